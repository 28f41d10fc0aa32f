#include "src/generator/generator_capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "pipeline/decode/frame.h"

namespace tapmeter::generator {
namespace {

constexpr std::uint64_t fast = 10'000'000;

// Takes bursts until the queue is exhausted, looking at every packet.
template <class Look>
std::uint64_t take_all(PacketSource& queue, Look&& look) {
    std::uint64_t packets = 0;
    Burst burst;
    while (!queue.exhausted()) {
        queue.receive(burst);
        EXPECT_LE(burst.count, burst_packets_max);
        for (const Packet& packet : burst.view()) {
            look(packet);
        }
        packets += burst.count;
        queue.release();
    }
    return packets;
}

TEST(GeneratorCapture, hands_out_exactly_as_many_packets_as_asked_and_counts_them) {
    const LiveClock clock;
    GeneratorCapture capture({.packets_per_second = fast,
                              .packets_max = 1'000,
                              .observation_point = 5,
                              .clock = &clock});
    std::uint64_t octets = 0;
    ObservedAt newest{};
    const std::uint64_t packets = take_all(capture.queue(0), [&](const Packet& packet) {
        octets += packet.wire_octets;
        EXPECT_EQ(packet.frame.size(), packet.wire_octets);
        EXPECT_EQ(packet.observation_point, 5);
        EXPECT_GE(packet.observed_at, newest);
        newest = packet.observed_at;
        EXPECT_TRUE(decode::decode_frame(packet).has_value());
    });
    EXPECT_EQ(packets, 1'000U);
    EXPECT_LE(newest, clock.now());
    const CaptureCounters counters = capture.counters();
    EXPECT_EQ(counters.offered, Packets{1'000});
    EXPECT_EQ(counters.received, Packets{1'000});
    EXPECT_EQ(counters.received_octets, Octets{octets});
    EXPECT_EQ(capture.queue(0).counters().received, Packets{1'000});
    Burst burst;
    capture.queue(0).receive(burst);
    EXPECT_EQ(burst.count, 0U) << "nothing comes after the last";
}

TEST(GeneratorCapture, never_runs_ahead_of_its_rate) {
    constexpr std::uint64_t rate = 100'000;
    const LiveClock clock;
    const ObservedAt before = clock.now();
    GeneratorCapture capture({.packets_per_second = rate, .packets_max = 500, .clock = &clock});
    take_all(capture.queue(0), [](const Packet&) {});
    EXPECT_GE(clock.now() - before, std::chrono::milliseconds(5)) << "500 packets at 100,000/s";
}

TEST(GeneratorCapture, stops_when_arrivals_stop) {
    const LiveClock clock;
    GeneratorCapture capture({.packets_per_second = fast, .clock = &clock});
    Burst burst;
    do {
        capture.queue(0).receive(burst);
    } while (burst.count == 0);
    EXPECT_FALSE(capture.queue(0).exhausted());
    capture.stop_arrivals();
    EXPECT_TRUE(capture.queue(0).exhausted());
    const Packets received = capture.counters().received;
    capture.queue(0).receive(burst);
    EXPECT_EQ(burst.count, 0U);
    EXPECT_EQ(capture.counters().received, received);
}

TEST(GeneratorCapture, is_one_live_symmetric_queue_and_says_its_rate) {
    const LiveClock clock;
    const GeneratorCapture capture({.packets_per_second = 1'234, .clock = &clock});
    EXPECT_EQ(capture.queues(), 1U);
    EXPECT_TRUE(capture.symmetric());
    EXPECT_FALSE(capture.recorded());
    EXPECT_FALSE(capture.views_stay_valid()) << "frames are written again";
    EXPECT_THAT(capture.describe(), ::testing::HasSubstr("1234 packets/s"));
}

}  // namespace
}  // namespace tapmeter::generator
