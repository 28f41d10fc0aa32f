#include "src/exporting/eve_analytics.h"

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "src/fields/table.h"

namespace tapmeter::exporting {
namespace {

using flow::BehaviourReport;
using flow::TcpReport;
using flow::TunnelReport;
using nlohmann::json;

struct Reports {
    TcpReport tcp;
    TunnelReport tunnel;
    BehaviourReport behaviour;
    flow::PayloadReport payload;

    RecordRing::Parts all() const { return {nullptr, &tcp, &tunnel, &behaviour, &payload}; }
};

template <class Write>
json written(Write write) {
    std::string text(2 * analytics_octets_max, '\0');
    const char* const end = write(text.data());
    const auto octets = static_cast<std::size_t>(end - text.data());
    EXPECT_LE(octets, analytics_octets_max);
    text.resize(octets);
    return octets == 0 ? json::object() : json::parse("{" + text.substr(1) + "}");
}
json eve(const RecordRing::Parts& beside) {
    return written([&](char* to) { return write_analytics(to, beside); });
}
json flat(const RecordRing::Parts& beside) {
    return written([&](char* to) { return write_flat_reports(to, beside); });
}

TEST(EveAnalytics, of_nothing_is_nothing) {
    EXPECT_EQ(eve({}), json::object());
    EXPECT_EQ(flat({}), json::object());
}

TEST(EveAnalytics, tcp_has_the_names_of_the_manual) {
    Reports reports;
    TcpReport& tcp = reports.tcp;
    tcp.client_round_trip_us = 410;
    tcp.server_round_trip_us = 11'200;
    tcp.server_response_us = 2'300;
    tcp.initial_round_trip_us = 11'610;
    tcp.forward.seen.retransmissions = 1;
    tcp.forward.seen.fast_retransmissions = 2;
    tcp.forward.seen.spurious_retransmissions = 4;
    tcp.reverse.seen.out_of_order = 5;
    tcp.reverse.seen.zero_windows = 6;
    tcp.forward.segment_octets_max = 1'460;
    tcp.reverse.has_window_scale = true;
    tcp.reverse.round_trips = 3;
    tcp.reverse.round_trip_mean_us = 7;
    tcp.opening = flow::TcpOpening::established;
    tcp.complete = true;
    const json record = eve({nullptr, &tcp, nullptr, nullptr, nullptr});
    EXPECT_EQ(record["rtt_client_us"], 410);
    EXPECT_EQ(record["rtt_server_us"], 11'200);
    EXPECT_EQ(record["server_latency_us"], 2'300);
    EXPECT_EQ(record["retrans_toserver"], 7);
    EXPECT_EQ(record["retrans_toclient"], 0);
    EXPECT_EQ(record["out_of_order_toclient"], 5);
    EXPECT_EQ(record["tcp"]["opening"], "established");
    EXPECT_EQ(record["tcp"]["initial_rtt_us"], 11'610);
    EXPECT_EQ(record["tcp"]["complete"], true);
    EXPECT_EQ(record["tcp"]["toserver"],
              (json{{"fast_retransmissions", 2}, {"spurious_retransmissions", 4}, {"mss", 1'460}}));
    EXPECT_EQ(record["tcp"]["toclient"], (json{{"zero_windows", 6},
                                               {"round_trips", 3},
                                               {"rtt_min_us", 0},
                                               {"rtt_avg_us", 7},
                                               {"rtt_max_us", 0},
                                               {"window_scale", 0}}));
}

TEST(EveAnalytics, tunnels_from_the_outside_in) {
    Reports reports;
    TunnelReport& tunnel = reports.tunnel;
    tunnel.layers = 2;
    tunnel.ip_version = 4;
    tunnel.source[12] = 192;
    tunnel.destination[15] = 9;
    tunnel.layer[0] = {decode::Encapsulation::vxlan, 77};
    tunnel.layer[1] = {decode::Encapsulation::ip_in_ip, 0};
    tunnel.mpls_labels = 2;
    tunnel.mpls_stack = {17U << 4U, 18U << 4U | 1U, 99, 99};
    tunnel.encapsulations = 1U;
    tunnel.security_index = 5;
    EXPECT_EQ(
        eve({nullptr, nullptr, &tunnel, nullptr, nullptr})["tunnel"],
        (json{{"src_ip", "192.0.0.0"},
              {"dest_ip", "0.0.0.9"},
              {"tos", 0},
              {"layers", {{{"kind", "vxlan"}, {"id", 77}}, {{"kind", "ip_in_ip"}, {"id", 0}}}},
              {"around", {"mpls"}},
              {"mpls", {17, 18}},
              {"spi", 5}}));
    tunnel.layers = 0;
    EXPECT_FALSE(eve({nullptr, nullptr, &tunnel, nullptr, nullptr})["tunnel"].contains("src_ip"));
}

TEST(EveAnalytics, behaviour_with_lengths_that_went_back_below_zero) {
    Reports reports;
    BehaviourReport& behaviour = reports.behaviour;
    behaviour.first_packets = 3;
    behaviour.first_octets = {60, 52, 1'500};
    behaviour.first_times_us = {0, 10, 20};
    behaviour.first_reverse = 0b010;
    behaviour.directions[0].sizes[7] = 4;
    behaviour.has_mac = true;
    behaviour.source_mac = {0, 1, 2, 0xab, 0xcd, 0xef};
    behaviour.flow_label = 99;
    const json found = eve({nullptr, nullptr, nullptr, &behaviour, nullptr})["behaviour"];
    EXPECT_EQ(found["first_lengths"], (json{60, -52, 1'500}));
    EXPECT_EQ(found["first_times_us"], (json{0, 10, 20}));
    EXPECT_EQ(found["toserver"]["sizes"], (json{0, 0, 0, 0, 0, 0, 0, 4}));
    EXPECT_EQ(found["src_mac"], "00:01:02:ab:cd:ef");
    EXPECT_EQ(found["flow_label"], 99);
    EXPECT_EQ(found["complete"], true);
}

TEST(EveAnalytics, flat_has_every_field_of_the_reports_that_there_are) {
    Reports reports;
    reports.tcp.reverse.seen.lost_segments = 3;
    reports.tunnel.mpls_stack[1] = 0xab'cdef;
    reports.tunnel.ip_version = 4;
    reports.tunnel.source[15] = 7;
    reports.behaviour.destination_mac = {1, 2, 3, 4, 5, 6};
    const json all = flat(reports.all());
    EXPECT_EQ(all.size(), fields::reports::rows.size() + fields::reports::payload_rows.size());
    EXPECT_EQ(all["reverseTcpLostSegmentDeltaCount"], 3);
    EXPECT_EQ(all["mplsLabelStackSection2"], 0xab'cdef);
    EXPECT_EQ(all["outerSourceAddress"], "0.0.0.7");
    EXPECT_EQ(all["destinationMacAddress"], "01:02:03:04:05:06");
    const json some = flat({nullptr, nullptr, nullptr, &reports.behaviour, nullptr});
    EXPECT_FALSE(some.contains("tunnelId"));
    EXPECT_TRUE(some.contains("peakOctetsPerSecond"));
}

TEST(EveAnalytics, payloads_have_the_names_of_the_manual) {
    Reports reports;
    flow::PayloadReport& payload = reports.payload;
    const RecordRing::Parts beside{nullptr, nullptr, nullptr, nullptr, &payload};
    EXPECT_EQ(eve(beside), (json{{"payload_complete", false}}));
    payload.complete = true;
    payload.has_entropy = true;
    payload.directions[0].entropy_octets = 100;
    payload.directions[0].entropy_millibits = 4'007;
    EXPECT_EQ(eve(beside), json::parse(R"({"entropy":{"toserver":{"octets":100,"bits":4.007},)"
                                       R"("toclient":{"octets":0,"bits":0.000}}})"));
    payload.has_entropy = false;
    payload.has_dns = true;
    payload.dns_answers = 2;
    payload.dns_mean_us = 5;
    EXPECT_EQ(eve(beside), json::parse(R"({"dns_times":{"answers":2,"unanswered":0,"min_us":0,)"
                                       R"("avg_us":5,"max_us":0}})"));
    payload.has_dns = false;
    payload.has_rtp = true;
    auto& way = payload.directions[1];
    way.is_rtp = true;
    way.rtp_source = 1;
    way.rtp_payload_type = 2;
    way.rtp_clock = 3;
    way.rtp_packets = 4;
    way.rtp_lost = 5;
    way.rtp_jitter_us = 6;
    way.rtp_jitter_mean_us = 7;
    way.rtp_jitter_max_us = 8;
    EXPECT_EQ(eve(beside),
              json::parse(R"({"rtp":{"toclient":{"ssrc":1,"payload_type":2,"clock":3,"packets":4,)"
                          R"("lost":5,"jitter_us":6,"jitter_avg_us":7,"jitter_max_us":8}}})"));
}

TEST(EveAnalytics, the_longest_of_all_fits) {
    Reports reports;
    std::memset(static_cast<void*>(&reports.payload), 0xff, sizeof(reports.payload));
    auto& payload = reports.payload;
    payload.has_entropy = payload.has_rtp = payload.has_dns = true;
    payload.directions[0].is_rtp = payload.directions[1].is_rtp = true;
    payload.complete = false;
    std::memset(static_cast<void*>(&reports.tcp), 0xff, sizeof(reports.tcp));
    reports.tcp.opening = flow::TcpOpening::unanswered;
    reports.tcp.complete = true;
    reports.tcp.forward.has_window_scale = true;
    reports.tcp.reverse.has_window_scale = true;
    TunnelReport& tunnel = reports.tunnel;
    tunnel.layers = 4;
    tunnel.ip_version = 6;
    tunnel.source.fill(0xff);
    tunnel.destination.fill(0xff);
    tunnel.layer.fill({decode::Encapsulation::ethernet_in_ip, 0xffff'ffff});
    tunnel.mpls_labels = 4;
    tunnel.mpls_stack.fill(0xff'ffff);
    tunnel.encapsulations = (1U << decode::encapsulation_kinds) - 1;
    tunnel.pppoe_session = tunnel.vlan = tunnel.customer_vlan = 0xffff;
    tunnel.security_index = 0xffff'ffff;
    BehaviourReport& behaviour = reports.behaviour;
    behaviour.first_packets = flow::first_packets_max;
    behaviour.first_times_us.fill(0xffff'ffff);
    behaviour.first_octets.fill(0xffff);
    behaviour.first_reverse = 0xffff;
    for (auto& way : behaviour.directions) {
        way.sizes.fill(0xffff'ffff);
        way.gaps.fill(0xffff'ffff);
        way.ttls.fill(0xffff'ffff);
        way.ttl_min = way.ttl_max = way.services = 0xff;
    }
    behaviour.peak_octets = ~std::uint64_t{0};
    behaviour.peak_packets = behaviour.flow_label = 0xffff'ffff;
    behaviour.has_mac = true;
    eve(reports.all());   // checks its length
    flat(reports.all());  // likewise
}

}  // namespace
}  // namespace tapmeter::exporting
