#include "src/exporting/service_totals.h"

#include <gtest/gtest.h>

#include "pipeline/flow/meter.h"

namespace tapmeter::exporting {
namespace {

using flow::FlowEndReason;
using flow::FlowRecord;
using flow::TcpReport;

constexpr std::uint16_t syn = flow::detail::tcp_syn;
constexpr std::uint16_t rst = flow::detail::tcp_rst;
constexpr std::uint16_t ack = flow::detail::tcp_ack;

fields::Filter filter(const std::string& text) {
    auto parsed = fields::parse_filter(text);
    EXPECT_TRUE(parsed.has_value()) << text;
    return parsed ? std::move(*parsed) : fields::Filter{};
}

Service web() {
    return {.name = "web",
            .towards = filter("dst ip in [10.0.0.0/24] and dst port in [80, 443]"),
            .away = filter("src ip in [10.0.0.0/24] and src port in [80, 443]"),
            .applications = {}};
}

// 3 packets of 300 octets to the server, 4 of 4,000 back.
FlowRecord record_to(std::uint8_t last_octet, std::uint16_t port) {
    FlowRecord record;
    record.ip_version = 4;
    record.protocol = 6;
    record.source[12] = 192;
    record.source_port = 40'000;
    record.destination[12] = 10;
    record.destination[15] = last_octet;
    record.destination_port = port;
    record.biflow_direction = 1;
    record.forward = {Packets{3}, Octets{300}, Octets{342}};
    record.reverse = {Packets{4}, Octets{4'000}, Octets{4'056}};
    record.forward_tcp_control_bits = syn | ack;
    record.reverse_tcp_control_bits = syn | ack;
    record.end_reason = FlowEndReason::end_of_flow;
    record.flow_start = ObservedAt{Nanoseconds{5'000}};
    record.start = record.flow_start;
    return record;
}

class Metered : public ::testing::Test {
protected:
    void add(const FlowRecord& record, const TcpReport* tcp = nullptr,
             const flow::PayloadReport* payload = nullptr) {
        RecordBatch::Parts beside{};
        std::get<const TcpReport*>(beside) = tcp;
        std::get<const flow::PayloadReport*>(beside) = payload;
        totals.add(RecordBatch({&record, 1}, {&beside, 1}));
    }
    ServiceCounts counts(std::size_t service = 0) const { return totals.read()[service].counts; }

    inspect::ApplicationNames names;
    ServiceTotals totals{
        {web(), {.name = "voice", .towards = {}, .away = {}, .applications = {"SIP"}}}, names};
};

TEST_F(Metered, traffic_counts_by_direction_for_the_service_that_it_belongs_to) {
    add(record_to(7, 443));
    add(record_to(7, 22));
    FlowRecord elsewhere = record_to(7, 443);
    elsewhere.destination[12] = 11;
    add(elsewhere);
    EXPECT_EQ(totals.read()[0].name, "web");
    EXPECT_EQ(counts().flows, 1U);
    EXPECT_EQ(counts().to_service.packets, 3U);
    EXPECT_EQ(counts().to_service.octets, 300U);
    EXPECT_EQ(counts().from_service.packets, 4U);
    EXPECT_EQ(counts().from_service.octets, 4'000U);
    EXPECT_EQ(counts(1).flows, 0U);
}

TEST_F(Metered, attempts_are_answered_refused_or_neither) {
    add(record_to(7, 443));
    EXPECT_EQ(counts().last_failed, 0U);
    FlowRecord record = record_to(7, 443);
    record.reverse_tcp_control_bits = rst | ack;
    add(record);
    EXPECT_EQ(counts().last_failed, 1U);
    record.reverse = {};
    record.reverse_tcp_control_bits = 0;
    add(record);
    record.forward_tcp_control_bits = ack;  // its SYN was not seen
    add(record);
    EXPECT_EQ(counts().answered, 1U);
    EXPECT_EQ(counts().refused, 1U);
    EXPECT_EQ(counts().unanswered, 1U);
    EXPECT_EQ(counts().flows, 4U);
}

TEST_F(Metered, without_tcp_any_packet_is_an_answer) {
    FlowRecord record = record_to(7, 443);
    record.protocol = 17;
    record.biflow_direction = 0;
    add(record);
    record.reverse = {};
    add(record);
    EXPECT_EQ(counts().answered, 1U);
    EXPECT_EQ(counts().unanswered, 1U);
}

TEST_F(Metered, a_flow_that_is_cut_is_one_attempt_and_one_latency) {
    const TcpReport report{.client_round_trip_us = 900, .server_round_trip_us = 2'000'000};
    FlowRecord record = record_to(7, 443);
    add(record, &report);
    record.start += Nanoseconds{1};
    add(record, &report);
    EXPECT_EQ(counts().flows, 1U);
    EXPECT_EQ(counts().attempts(), 1U);
    EXPECT_EQ(counts().client.buckets[0], 1U);
    EXPECT_EQ(counts().client.sum_us, 900U);
    EXPECT_EQ(counts().server.buckets.back(), 1U);
    EXPECT_EQ(counts().response.sum_us, 0U) << "not seen";
    EXPECT_EQ(counts().segments, 14U);
}

TEST_F(Metered, loss_and_jitter_come_from_the_reports) {
    TcpReport report;
    report.forward.seen.retransmissions = 2;
    report.reverse.seen.fast_retransmissions = 1;
    report.reverse.seen.lost_segments = 5;
    add(record_to(7, 80), &report);
    EXPECT_EQ(counts().retransmissions, 3U);
    EXPECT_EQ(counts().lost_segments, 5U);
    flow::PayloadReport payload;
    payload.has_rtp = true;
    payload.directions[0].rtp_packets = 10;
    payload.directions[0].rtp_lost = 2;
    payload.directions[0].rtp_jitter_mean_us = 150;
    add(record_to(7, 80), nullptr, &payload);
    EXPECT_EQ(counts().rtp_packets, 10U);
    EXPECT_EQ(counts().rtp_lost, 2U);
    EXPECT_EQ(counts().rtp_jitter_us, 1'500U);
    EXPECT_EQ(counts().segments, 7U) << "no quality is known of the second";
}

TEST_F(Metered, who_began_is_a_guess_where_no_syn_was_seen) {
    FlowRecord record = record_to(7, 443);
    std::swap(record.source, record.destination);
    std::swap(record.source_port, record.destination_port);
    add(record);
    EXPECT_EQ(counts().flows, 0U) << "a SYN said that the web server began";
    record.biflow_direction = 0;
    record.forward_tcp_control_bits = ack;
    add(record);
    EXPECT_EQ(counts().from_service.octets, 300U);
    EXPECT_EQ(counts().attempts(), 0U);
}

TEST_F(Metered, applications_are_known_once_they_have_names) {
    FlowRecord record = record_to(9, 5'060);
    record.application = {.master = 100, .application = 7};
    add(record);
    names.name_protocol(100, "SIP");
    names.publish();
    add(record);
    std::swap(record.application.master, record.application.application);
    add(record);
    EXPECT_EQ(counts(1).flows, 2U);
}

TEST_F(Metered, aggregates_are_no_service) {
    FlowRecord record = record_to(7, 443);
    record.aggregated = true;
    add(record);
    EXPECT_EQ(counts().flows, 0U);
}

TEST(ServiceTotals, as_many_as_may_be) {
    const inspect::ApplicationNames names;
    std::vector<Service> services;
    for (std::size_t i = 0; i < services_max; ++i) {
        services.push_back(web());
    }
    ServiceTotals totals(std::move(services), names);
    const FlowRecord record = record_to(1, 80);
    totals.add(RecordBatch({&record, 1}, {}));
    EXPECT_EQ(totals.read().size(), services_max);
    EXPECT_EQ(totals.read().back().counts.flows, 1U);
}

}  // namespace
}  // namespace tapmeter::exporting
