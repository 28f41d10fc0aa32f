#include "pipeline/flow/payloads.h"

#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace tapmeter::flow {
namespace {

using namespace std::chrono_literals;
using testing::Frame;
using testing::FrameBuilder;
using testing::packet_of;

constexpr std::size_t places = 64;

// One worker's groups; a flow is a place of the table.
class Bench {
public:
    explicit Bench(const Payloads::Settings& settings)
        : payloads(std::move(*Payloads::make(settings, places, false))) {}

    void begin(std::uint32_t place, std::uint16_t low_port, std::uint16_t high_port,
               std::uint8_t protocol = 17) {
        flow.key = {};
        flow.key.low_port = low_port;
        flow.key.high_port = high_port;
        flow.key.protocol = protocol;
        flow.key.ip_version = 4;
        payloads->begin(flow, FlowIndex{place});
    }
    void see(std::uint32_t place, Sender sender, const Frame& frame, Nanoseconds at) {
        const Packet packet = packet_of(frame);
        const Observation observed{.at = ObservedAt{1s + at},
                                   .octets = static_cast<std::uint32_t>(frame.size() - 14),
                                   .sender = sender,
                                   .protocol = flow.key.protocol};
        payloads->see(FlowIndex{place}, flow, observed, &packet, {});
    }

    std::unique_ptr<Payloads> payloads;
    Flow flow{};
};

Frame udp(std::size_t octets, std::uint8_t value) {
    return FrameBuilder{}.ethernet().ipv4().udp(1, 2).fill(octets, value).frame();
}
Frame rtp(std::uint16_t sequence) {
    return FrameBuilder{}
        .ethernet()
        .ipv4()
        .udp(1, 2)
        .be16(0x8000)
        .be16(sequence)
        .be32(160U * sequence)
        .be32(9)
        .frame();
}

TEST(Payloads, entropy_is_of_each_direction_and_headers_are_not_in_it) {
    Bench bench({.entropy_max = 4});
    bench.begin(3, 1, 2);
    EXPECT_EQ(bench.payloads->report(FlowIndex{3}, Sender::low, true), nullptr);
    bench.see(3, Sender::low, udp(100, 0), 0ms);
    bench.see(3, Sender::low, udp(100, 1), 0ms);
    bench.see(3, Sender::high, udp(50, 1), 0ms);
    const auto* report = bench.payloads->report(FlowIndex{3}, Sender::high, true);
    ASSERT_NE(report, nullptr);
    EXPECT_EQ(report->directions[1].entropy_octets, 200U);
    EXPECT_EQ(report->directions[1].entropy_millibits, 1'000);
    EXPECT_EQ(report->directions[0].entropy_octets, 50U);
    EXPECT_EQ(report->directions[0].entropy_millibits, 0);
    EXPECT_TRUE(report->complete);
    EXPECT_FALSE(report->has_rtp || report->has_dns);
}

TEST(Payloads, tcp_options_are_no_payload) {
    Bench bench({.entropy_max = 4});
    bench.begin(3, 1, 2, 6);
    const Frame frame = FrameBuilder{}
                            .ethernet()
                            .ipv4({.protocol = 6})
                            .tcp(1, 2, {.data_offset = 7})
                            .fill(8, 9)
                            .fill(30, 1)
                            .frame();
    bench.see(3, Sender::low, frame, 0ms);
    const auto* report = bench.payloads->report(FlowIndex{3}, Sender::low, true);
    ASSERT_NE(report, nullptr);
    EXPECT_EQ(report->directions[0].entropy_octets, 30U);
    EXPECT_EQ(report->directions[0].entropy_millibits, 0);
}

TEST(Payloads, rtp_is_reported_once_it_is_known_and_others_give_their_state_back) {
    Bench bench({.rtp_max = 1});
    bench.begin(1, 1, 2);
    for (std::uint16_t i = 0; i < RtpSource::failures_max + 1; ++i) {
        bench.see(1, Sender::low, rtp(static_cast<std::uint16_t>(i * 50)), 0ms);
    }
    EXPECT_EQ(bench.payloads->books().rtp.in_use, 0U);
    bench.begin(2, 1, 2);
    for (std::uint16_t i = 0; i < 10; ++i) {
        bench.see(2, Sender::high, rtp(i), i * 20ms);
    }
    EXPECT_EQ(bench.payloads->report(FlowIndex{1}, Sender::low, true), nullptr);
    const auto* report = bench.payloads->report(FlowIndex{2}, Sender::low, true);
    ASSERT_NE(report, nullptr);
    EXPECT_TRUE(report->directions[1].is_rtp);
    EXPECT_FALSE(report->directions[0].is_rtp);
    EXPECT_EQ(report->directions[1].rtp_packets, 10U);
    EXPECT_EQ(report->directions[1].rtp_source, 9U);
    EXPECT_EQ(bench.payloads->books().rtp_flows, 1U);
    bench.payloads->end(FlowIndex{2});
    EXPECT_EQ(bench.payloads->books().rtp.in_use, 0U);
}

TEST(Payloads, dns_is_what_goes_to_its_port) {
    Bench bench({.dns_max = 2});
    const auto dns = [](std::uint16_t flags) {
        return FrameBuilder{}.ethernet().ipv4().udp(1, 53).be16(5).be16(flags).fill(8).frame();
    };
    bench.begin(1, 53, 5'000);
    bench.see(1, Sender::high, dns(0x0100), 0ms);
    bench.see(1, Sender::low, dns(0x8100), 30ms);
    bench.begin(2, 54, 5'000);
    bench.see(2, Sender::high, dns(0x0100), 0ms);
    const auto* report = bench.payloads->report(FlowIndex{1}, Sender::high, true);
    ASSERT_NE(report, nullptr);
    EXPECT_EQ(report->dns_answers, 1U);
    EXPECT_EQ(report->dns_mean_us, 30'000U);
    EXPECT_EQ(bench.payloads->report(FlowIndex{2}, Sender::high, true), nullptr);
    bench.payloads->cut(FlowIndex{1});
    EXPECT_EQ(bench.payloads->report(FlowIndex{1}, Sender::high, true)->dns_answers, 0U);
}

TEST(Payloads, a_flow_without_room_is_counted_and_one_that_was_passed_by_is_not_complete) {
    Bench bench({.entropy_max = 1});
    bench.begin(1, 1, 2);
    bench.begin(2, 1, 2);
    EXPECT_EQ(bench.payloads->books().entropy.refused, 1U);
    bench.see(2, Sender::low, udp(10, 0), 0ms);
    EXPECT_EQ(bench.payloads->report(FlowIndex{2}, Sender::low, true), nullptr);
    bench.see(1, Sender::low, udp(10, 0), 0ms);
    bench.payloads->skip(FlowIndex{1});
    EXPECT_FALSE(bench.payloads->report(FlowIndex{1}, Sender::low, true)->complete);
    bench.payloads->end(FlowIndex{1});
    bench.begin(3, 1, 2);
    EXPECT_EQ(bench.payloads->books().entropy.in_use, 1U);
    EXPECT_EQ(bench.payloads->books().entropy.given, 2U);
}

TEST(Payloads, states_follow_their_flows_into_a_larger_table) {
    Bench bench({.entropy_max = 4});
    bench.begin(5, 1, 2);
    bench.see(5, Sender::low, udp(10, 0), 0ms);
    std::vector<FlowIndex> moved(places, no_flow);
    moved[5] = FlowIndex{200};
    ASSERT_TRUE(bench.payloads->prepare(256));
    bench.payloads->follow(moved);
    ASSERT_NE(bench.payloads->report(FlowIndex{200}, Sender::low, true), nullptr);
    EXPECT_EQ(bench.payloads->report(FlowIndex{5}, Sender::low, true), nullptr);
    bench.payloads->end(FlowIndex{200});
    EXPECT_EQ(bench.payloads->books().entropy.in_use, 0U);
}

}  // namespace
}  // namespace tapmeter::flow
