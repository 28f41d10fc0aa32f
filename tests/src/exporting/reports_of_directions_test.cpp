#include "src/exporting/reports_of_directions.h"

#include <gtest/gtest.h>

namespace tapmeter::exporting {
namespace {

struct Reports {
    flow::TcpReport tcp;
    flow::TunnelReport tunnel;
    flow::BehaviourReport behaviour;
    flow::PayloadReport payload;

    Reports() {
        tcp.forward.seen.zero_windows = 1;
        tcp.reverse.seen.zero_windows = 2;
        tunnel.source[0] = 3;
        tunnel.destination[0] = 4;
        behaviour.directions[0].ttl_max = 5;
        behaviour.directions[1].ttl_max = 6;
        behaviour.source_mac[0] = 7;
        behaviour.first_packets = 1;
        payload.directions[0].rtp_lost = 8;
        payload.directions[1].rtp_lost = 9;
        payload.dns_answers = 10;
    }
    RecordRing::Parts all() const { return {nullptr, &tcp, &tunnel, &behaviour, &payload}; }
};

TEST(ReportsOfDirections, a_biflow_has_them_as_they_are) {
    const Reports reports;
    const ReportsOfDirections beside(reports.all(), true);
    EXPECT_EQ(beside.all(0)[0].tcp, &reports.tcp);
    EXPECT_EQ(beside.all(0)[0].tunnel, &reports.tunnel);
    EXPECT_EQ(beside.all(0)[0].behaviour, &reports.behaviour);
    EXPECT_EQ(beside.all(0)[1].tcp, nullptr);
}

TEST(ReportsOfDirections, the_other_record_sees_them_from_the_other_end) {
    const Reports reports;
    const ReportsOfDirections beside(reports.all(), false);
    const fields::Beside other = beside.all(0)[1];
    EXPECT_EQ(other.tcp->forward.seen.zero_windows, 2);
    EXPECT_EQ(other.tcp->reverse.seen.zero_windows, 1);
    EXPECT_EQ(other.tunnel->source[0], 4);
    EXPECT_EQ(other.behaviour->directions[0].ttl_max, 6);
    EXPECT_EQ(other.behaviour->destination_mac[0], 7);
    EXPECT_EQ(other.behaviour->first_reverse, 1);
    EXPECT_EQ(other.payload->directions[0].rtp_lost, 9);
    EXPECT_EQ(other.payload->dns_answers, 10);
    EXPECT_EQ(beside.all(1)[0].tcp, other.tcp) << "it comes alone, and first";
    EXPECT_EQ(beside.all(0)[0].tcp, &reports.tcp);
}

TEST(ReportsOfDirections, what_is_not_there_stays_so) {
    const Reports reports;
    const ReportsOfDirections some({nullptr, nullptr, &reports.tunnel, nullptr, nullptr}, false);
    EXPECT_EQ(some.all(0)[1].tcp, nullptr);
    EXPECT_NE(some.all(0)[1].tunnel, nullptr);
    const ReportsOfDirections none({}, false);
    EXPECT_EQ(none.all(0)[1].tunnel, nullptr);
}

TEST(ReportsOfDirections, who_asks_leaves_first) {
    flow::FlowRecord record;
    EXPECT_TRUE(asks(record));
    record.reverse.packets = Packets{1};
    EXPECT_FALSE(asks(record));
    record.forward.packets = Packets{1};
    EXPECT_TRUE(asks(record));
}

}  // namespace
}  // namespace tapmeter::exporting
