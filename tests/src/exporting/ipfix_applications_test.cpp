// What inspection found, in the fields of IPFIX that a template names, and the table of names.

#include <gtest/gtest.h>

#include "src/exporting/ipfix_output.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::Collector;
using test_support::DataRecord;
using test_support::UdpListener;

constexpr std::uint32_t our_number = 32'473;  // RFC 5612: for documentation
constexpr std::uint16_t application_id = 95;
constexpr std::uint16_t application_name = 96;
constexpr std::uint16_t basic_list = 291;

class IpfixApplications : public ::testing::TestWithParam<bool> {
protected:
    IpfixApplications() {
        hit.signatures = {.sids = {2'100'498, 7}, .matches = 3, .sids_count = 2};
        known.application = {.master = 91, .application = 126};
        known.reverse.packets = Packets{1};
    }
    std::unique_ptr<Output> opened() {
        Config::Ipfix config;
        config.name = "test";
        config.host = "127.0.0.1";
        config.port = listener.port();
        config.enterprise_number = our_number;
        config.biflow = GetParam();
        config.fields = {"sourceAddress", "applicationId", "applicationName",
                         "signatureMatchTotalCount", "signatureIds"};
        IpfixStart start;
        start.names = &names;
        return open_ipfix(config, {{"eth1", ObservationDomainId{1}}}, {}, start).value();
    }
    // One record with all that there may be, and one of which nothing is known.
    Collector sent(Output& output) {
        const std::array records{known, test_support::tcp_record()};
        const std::array<RecordRing::Parts, 2> beside{
            RecordRing::Parts{&hit, nullptr, nullptr, nullptr, nullptr}, RecordRing::Parts{}};
        output.take({records, beside});
        output.flush(steady_clock::now() + seconds{10});
        Collector collector;
        EXPECT_TRUE(listener.collect(collector, GetParam() ? 2 : 4));
        EXPECT_TRUE(collector.faults().empty());
        EXPECT_EQ(collector.missing(), 0U);
        return collector;
    }

    UdpListener listener;
    inspect::ApplicationNames names;
    inspect::Metadata hit;
    flow::FlowRecord known = test_support::tcp_record();
};

TEST_P(IpfixApplications, are_told_in_each_record_and_named_in_a_table) {
    const auto output = opened();  // before anybody has named them, as at every start
    names.name_protocol(91, "TLS");
    names.name_protocol(126, "Google");
    names.publish();
    const Collector collector = sent(*output);
    ASSERT_EQ(collector.records().size(), GetParam() ? 2U : 4U);
    const DataRecord& first = collector.records().front();
    EXPECT_EQ(first.value(application_id), 0x14'0000'8B30'007EU);
    EXPECT_EQ(first.text(application_name), "Google");
    const DataRecord& last = collector.records().back();
    EXPECT_EQ(last.value(application_id), 0x14'0000'8B30'0000U);
    EXPECT_EQ(last.text(application_name), "");
    std::vector<std::string> table;
    for (const DataRecord& option : collector.options()) {
        if (option.has(application_name)) {
            table.push_back(option.text(application_name));
        }
    }
    EXPECT_EQ(table, (std::vector<std::string>{"TLS", "Google"}));
}

TEST_P(IpfixApplications, signatures_are_those_of_the_flow_whatever_the_direction) {
    const auto output = opened();
    const Collector collector = sent(*output);
    const std::vector<std::uint8_t> two{4, 0x80, 54,   0,    4, 0, 0, 0x7E, 0xD9,
                                        0, 0x20, 0x0D, 0x12, 0, 0, 0, 7};
    const std::vector<std::uint8_t> none{two.begin(), two.begin() + 9};
    const auto matches = fields::element("signatureMatchTotalCount").id;
    const std::size_t of_first = GetParam() ? 1 : 2;
    ASSERT_EQ(collector.records().size(), 2 * of_first);
    for (std::size_t i = 0; i < collector.records().size(); ++i) {
        const DataRecord& record = collector.records()[i];
        EXPECT_EQ(record.value(matches, our_number), i < of_first ? 3U : 0U);
        EXPECT_EQ(record.fields.at({0, basic_list}), i < of_first ? two : none);
    }
}

INSTANTIATE_TEST_SUITE_P(BothWays, IpfixApplications, ::testing::Bool());

}  // namespace
}  // namespace tapmeter::exporting
