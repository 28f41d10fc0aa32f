#include "src/exporting/application_totals.h"

#include <gtest/gtest.h>

#include <memory>

namespace tapmeter::exporting {
namespace {

flow::FlowRecord record_of(flow::Application application, std::uint64_t octets) {
    flow::FlowRecord record;
    record.application = application;
    record.forward = {Packets{2}, Octets{octets}, Octets{octets + 14}};
    record.reverse = {Packets{1}, Octets{10}, Octets{24}};
    return record;
}

TEST(ApplicationTotals, count_under_the_last_part_of_the_label_largest_first) {
    const auto totals = std::make_unique<ApplicationTotals>();
    const auto decided = flow::Inspection::decided;
    totals->add(record_of({.master = 91, .application = 126, .inspection = decided}, 100));
    totals->add(record_of({.application = 126, .inspection = decided}, 100));
    totals->add(record_of({.master = 91, .inspection = decided}, 1'000));
    totals->add(record_of({.inspection = flow::Inspection::unknown}, 1));
    totals->add(record_of({}, 5'000));  // not inspected
    const auto read = totals->read();
    ASSERT_EQ(read.size(), 3U);
    EXPECT_EQ(read[0].application, 91);
    EXPECT_EQ(read[0].octets, 1'010U);
    EXPECT_EQ(read[1].application, 126);
    EXPECT_EQ(read[1].records, 2U);
    EXPECT_EQ(read[1].packets, 6U);
    EXPECT_EQ(read[1].octets, 220U);
    EXPECT_EQ(read[2].application, 0);
}

TEST(ApplicationTotals, a_number_out_of_range_is_not_known) {
    const auto totals = std::make_unique<ApplicationTotals>();
    totals->add(record_of({.application = 0xffff, .inspection = flow::Inspection::decided}, 1));
    EXPECT_EQ(totals->read().front().application, 0);
}

}  // namespace
}  // namespace tapmeter::exporting
