#include "src/exporting/ipfix_singles.h"

#include <gtest/gtest.h>

#include "tests/support/collector.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

using test_support::Collector;
using test_support::mixed_record;

const Interfaces points{
    {"a", ObservationDomainId{5}}, {"b", ObservationDomainId{9}}, {"c", ObservationDomainId{5}}};

// A collector that has seen nothing else reads each message.
TEST(IpfixSingles, need_no_other_message) {
    auto singles = IpfixSingles::make(points).value();
    for (std::size_t index = 0; index < 60; ++index) {
        flow::FlowRecord record = mixed_record(index, 3);
        record.sampling_exponent = index % 11 == 0 ? 1 : 0;
        std::vector<std::byte> message(singles.octets_max());
        message.resize(singles.write(message, record, {}));
        Collector collector;
        collector.read(message);
        ASSERT_EQ(collector.records().size(), 1U);
        EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
        const auto& read = collector.records().front();
        EXPECT_EQ(read.domain, index % 3 == 1 ? 9U : 5U);
        EXPECT_EQ(read.value(148), index + 1);  // flowId
        EXPECT_EQ(read.value(1), record.forward.octets.value);
        EXPECT_EQ(read.value(1, test_support::reverse_pen), record.reverse.octets.value);
    }
}

TEST(IpfixSingles, count_the_records_of_each_domain) {
    auto singles = IpfixSingles::make(points).value();
    Collector collector;
    for (std::size_t index = 0; index < 60; ++index) {
        std::vector<std::byte> message(singles.octets_max());
        message.resize(singles.write(message, mixed_record(index, 3), {}));
        collector.read(message);
    }
    EXPECT_TRUE(collector.faults().empty());
    EXPECT_EQ(collector.missing(), 0U);
    EXPECT_EQ(collector.messages().back().sequence, 39U);  // of domain 5: two points in three
}

}  // namespace
}  // namespace tapmeter::exporting
