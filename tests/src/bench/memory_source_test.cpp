#include "src/bench/memory_source.h"

#include <gtest/gtest.h>

#include "src/bench/memory_capture.h"
#include "src/metrics/totals.h"
#include "tests/src/bench/in_memory_worker.h"

namespace tapmeter::bench {
namespace {

using Kind = TrafficRequest::Kind;
using testing::small_traffic;

TEST(MemorySource, gives_whole_bursts_over_and_over_with_time_going_on) {
    Traffic traffic = small_traffic(Kind::uniform, 10, 100);
    MemorySource source(traffic, {});
    Burst burst;
    source.receive(burst);
    ASSERT_EQ(burst.count, burst_packets_max);
    EXPECT_EQ(burst.packets[1].observed_at - burst.packets[0].observed_at, Nanoseconds{67});
    const auto* const first = burst.packets[0].frame.data();
    const ObservedAt last = burst.packets[63].observed_at;
    source.release();
    source.receive(burst);
    EXPECT_EQ(burst.count, 36U) << "the rest of the pass";
    EXPECT_GT(burst.packets[0].observed_at, last);
    source.release();
    source.receive(burst);
    EXPECT_EQ(burst.packets[0].frame.data(), first);
    EXPECT_EQ(source.counters().received.value, 164U);
    EXPECT_EQ(source.counters().received_octets.value, 164U * 60);
}

TEST(MemorySource, is_exhausted_after_as_many_packets_as_it_may_give) {
    Traffic traffic = small_traffic(Kind::uniform, 10, 1'000);
    MemorySource source(traffic, {.packets_max = 65});
    Burst burst;
    source.receive(burst);
    EXPECT_FALSE(source.exhausted());
    source.receive(burst);
    EXPECT_EQ(burst.count, 1U);
    EXPECT_TRUE(source.exhausted());
    source.receive(burst);
    EXPECT_EQ(burst.count, 0U);
}

TEST(MemorySource, is_warm_when_every_flow_was_there) {
    Traffic traffic = small_traffic(Kind::uniform, 128, 1'000);
    MemorySource source(traffic, {});
    Burst burst;
    source.receive(burst);
    EXPECT_FALSE(source.warm());
    source.receive(burst);
    EXPECT_TRUE(source.warm());
}

TEST(MemorySource, a_reading_is_taken_by_who_polls) {
    Traffic traffic = small_traffic(Kind::uniform, 10, 1'000);
    MemorySource source(traffic, {});
    Burst burst;
    source.receive(burst);
    source.stopwatch().ask();
    EXPECT_FALSE(source.stopwatch().answered());
    source.receive(burst);
    ASSERT_TRUE(source.stopwatch().answered());
    EXPECT_EQ(source.stopwatch().reading().packets, 64U) << "before this burst";
    EXPECT_EQ(source.read_here().packets, 128U);
}

TEST(MemoryCapture, its_books_balance_also_when_packets_are_lost) {
    std::vector<Traffic> shares;
    shares.push_back(small_traffic(Kind::uniform, 10, 1'000));
    shares.push_back(small_traffic(Kind::uniform, 10, 1'000));
    const LiveClock clock;
    MemoryCapture capture(std::move(shares), {.clock = &clock, .ring_slots = 64});
    ASSERT_EQ(capture.queues(), 2U);
    Burst burst;
    capture.queue(0).receive(burst);
    capture.queue(0).release();
    capture.source(1).ring().set_rate(1'000'000'000);
    while (capture.source(1).ring().dropped() == 0) {
        capture.queue(1).receive(burst);
        capture.queue(1).release();
    }
    const CaptureCounters counters = capture.counters();
    EXPECT_GT(counters.dropped[index_of(Dropped::rx_missed)], 0U);
    EXPECT_EQ(counters.offered.value,
              counters.received.value + counters.waiting.value + metrics::sum(counters.dropped));
    capture.stop_arrivals();
    for (unsigned i = 0; i < 3; ++i) {  // what waits is still to be had, then nothing
        capture.queue(1).receive(burst);
        capture.queue(1).release();
    }
    EXPECT_EQ(burst.count, 0U);
    EXPECT_EQ(capture.counters().waiting.value, 0U);
}

}  // namespace
}  // namespace tapmeter::bench
