#include "pipeline/merged_source.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/worker_bench.h"

namespace tapmeter {
namespace {

using testing::FrameBuilder;
using testing::ReplaySource;

// Frames whose size tells which queue they came from.
std::vector<testing::Frame> frames(std::size_t count, std::size_t octets) {
    return std::vector(count, FrameBuilder{}.ethernet().ipv4().udp(1, 2).padded(octets).frame());
}

struct Taken {
    std::size_t packets = 0;
    std::size_t octets_each = 0;
    bool operator==(const Taken&) const = default;
};

Taken turn(MergedSource& merged) {
    Burst burst;
    merged.receive(burst);
    const Taken taken{burst.count, burst.count == 0 ? 0 : burst.packets[0].frame.size()};
    merged.release();
    return taken;
}

TEST(MergedSource, queues_take_turns_a_burst_each) {
    ReplaySource first(frames(100, 100));
    ReplaySource second(frames(70, 200));
    MergedSource merged({&first, &second});
    EXPECT_EQ(turn(merged), (Taken{64, 200}));
    EXPECT_EQ(turn(merged), (Taken{64, 100}));
    EXPECT_EQ(turn(merged), (Taken{6, 200}));
    EXPECT_FALSE(merged.exhausted()) << "one queue still has packets";
    EXPECT_EQ(turn(merged), (Taken{36, 100}));
    EXPECT_TRUE(merged.exhausted());
}

TEST(MergedSource, a_quiet_queue_is_passed_over_in_the_same_turn) {
    ReplaySource busy(frames(200, 100));
    ReplaySource quiet(frames(0, 200));
    MergedSource merged({&quiet, &busy, &quiet});
    for (const std::size_t packets : {64U, 64U, 64U, 8U}) {
        EXPECT_EQ(turn(merged), (Taken{packets, 100}));
    }
    EXPECT_EQ(turn(merged), (Taken{0, 0})) << "all quiet";
}

TEST(MergedSource, buffers_go_back_to_the_queue_that_lent_them) {
    ReplaySource first(frames(1, 100));
    ReplaySource second(frames(1, 200));
    ReplaySource quiet(frames(0, 300));
    MergedSource merged({&first, &second, &quiet});
    Burst burst;
    merged.receive(burst);
    EXPECT_EQ(second.bursts_not_released(), 1);
    EXPECT_EQ(first.bursts_not_released() + quiet.bursts_not_released(), 0);
    merged.release();
    merged.receive(burst);  // the quiet queue was looked at on the way
    EXPECT_EQ(first.bursts_not_released(), 1);
    EXPECT_EQ(second.bursts_not_released() + quiet.bursts_not_released(), 0);
    merged.release();
    turn(merged);
    for (const ReplaySource* source : {&first, &second, &quiet}) {
        EXPECT_EQ(source->bursts_not_released(), 0);
    }
}

TEST(MergedSource, counters_and_descriptions_are_of_all_queues) {
    ReplaySource first(frames(3, 100));
    ReplaySource second(frames(2, 200));
    MergedSource merged({&first, &second});
    EXPECT_EQ(merged.counters().received, Packets{0});
    turn(merged);
    turn(merged);
    EXPECT_EQ(merged.counters().received, Packets{5});
    EXPECT_EQ(merged.counters().received_octets, Octets{700});
    EXPECT_EQ(merged.describe(), "replay + replay");
}

TEST(MergedSource, a_worker_on_both_ports_of_a_tap_makes_one_record_of_a_flow) {
    const auto there = FrameBuilder{}.ethernet().ipv4().udp(4'000, 53).frame();
    const auto back = FrameBuilder{}
                          .ethernet()
                          .ipv4({.source = 0x0a00'0002, .destination = 0x0a00'0001})
                          .udp(53, 4'000)
                          .frame();
    ReplaySource port_a(std::vector<testing::Frame>{there, there});
    ReplaySource port_b(std::vector<testing::Frame>{back});
    MergedSource merged({&port_a, &port_b});
    testing::WorkerBench bench(merged, {});
    bench.run_to_the_end();
    ASSERT_EQ(bench.records().size(), 1U);
    EXPECT_EQ(traffic_of(bench.records().front()).packets, 3U);
    EXPECT_EQ(testing::broken_law(bench.books()), "");
}

}  // namespace
}  // namespace tapmeter
