// What travels beside a flow record, in the fields of IPFIX that a template names.

#include <gtest/gtest.h>

#include "src/exporting/ipfix_output.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::Collector;
using test_support::UdpListener;

constexpr std::uint32_t our_number = 32'473;  // RFC 5612: for documentation

class IpfixReports : public ::testing::TestWithParam<bool> {
protected:
    IpfixReports() {
        tcp.forward.seen.zero_windows = 3;
        tcp.reverse.seen.zero_windows = 5;
        tunnel.mpls_stack[0] = 0x12'3451;
        tunnel.innermost_id = 77;
        tunnel.reverse_id = 88;
        behaviour.source_mac = {1, 2, 3, 4, 5, 6};
        behaviour.destination_mac = {7, 8, 9, 10, 11, 12};
    }
    // Sends one record with all reports and one without any.
    Collector sent() {
        UdpListener listener;
        Config::Ipfix config;
        config.name = "test";
        config.host = "127.0.0.1";
        config.port = listener.port();
        config.enterprise_number = our_number;
        config.biflow = GetParam();
        config.fields = {"sourceAddress",
                         "tcpZeroWindowDeltaCount",
                         "reverseTcpZeroWindowDeltaCount",
                         "mplsTopLabelStackSection",
                         "tunnelId",
                         "sourceMacAddress"};
        auto output = open_ipfix(config, {{"eth1", ObservationDomainId{1}}}, {}, {}).value();
        const std::array records{test_support::tcp_record(), test_support::tcp_record()};
        const std::array<RecordRing::Parts, 2> beside{
            RecordRing::Parts{nullptr, &tcp, &tunnel, &behaviour, nullptr}, RecordRing::Parts{}};
        output->take({records, beside});
        output->flush(steady_clock::now() + seconds{10});
        Collector collector;
        EXPECT_TRUE(listener.collect(collector, GetParam() ? 2 : 4));
        EXPECT_TRUE(collector.faults().empty());
        return collector;
    }
    static std::uint64_t zero_windows(const test_support::DataRecord& record) {
        return record.value(fields::element("tcpZeroWindowDeltaCount").id, our_number);
    }
    static std::uint64_t tunnel_id(const test_support::DataRecord& record) {
        return record.value(fields::element("tunnelId").id, our_number);
    }

    flow::TcpReport tcp;
    flow::TunnelReport tunnel;
    flow::BehaviourReport behaviour;
};

TEST_P(IpfixReports, fill_the_fields_of_their_record_and_no_other) {
    const Collector collector = sent();
    const auto& records = collector.records();
    ASSERT_EQ(records.size(), GetParam() ? 2U : 4U);
    EXPECT_EQ(zero_windows(records[0]), 3U);
    EXPECT_EQ(tunnel_id(records[0]), 77U);
    EXPECT_EQ(records[0].value(70), 0x12'3451U);
    EXPECT_EQ(records[0].value(56), 0x0102'0304'0506U);
    const auto reverse = fields::element("reverseTcpZeroWindowDeltaCount").id;
    EXPECT_EQ(records[0].has(reverse, our_number), GetParam());
    if (GetParam()) {
        EXPECT_EQ(records[0].value(reverse, our_number), 5U);
    } else {
        EXPECT_EQ(zero_windows(records[1]), 5U) << "seen from the other end";
        EXPECT_EQ(tunnel_id(records[1]), 88U);
        EXPECT_EQ(records[1].value(56), 0x0708'090a'0b0cU);
    }
    EXPECT_EQ(zero_windows(records.back()), 0U) << "nothing is left of the record before";
    EXPECT_EQ(records.back().value(70), 0U);
}

INSTANTIATE_TEST_SUITE_P(BothWays, IpfixReports, ::testing::Bool());

}  // namespace
}  // namespace tapmeter::exporting
