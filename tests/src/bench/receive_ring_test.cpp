#include "src/bench/receive_ring.h"

#include <gtest/gtest.h>

namespace tapmeter::bench {
namespace {

using namespace std::chrono_literals;

TEST(ReceiveRing, is_endless_until_a_rate_is_set) {
    ReceiveRing ring(64);
    EXPECT_EQ(ring.available(1s), burst_packets_max);
    ring.take(burst_packets_max);
    EXPECT_EQ(ring.available(1s), burst_packets_max);
    EXPECT_EQ(ring.waiting(), 0U);
    EXPECT_EQ(ring.dropped(), 0U);
}

TEST(ReceiveRing, fills_by_the_clock) {
    ReceiveRing ring(1'024);
    ring.set_rate(1'000'000);
    EXPECT_EQ(ring.available(1s), 0U) << "the rate begins here";
    EXPECT_TRUE(ring.follows(1'000'000));
    EXPECT_EQ(ring.available(1s + 10us), 10U);
    EXPECT_EQ(ring.available(1s + 10us), 10U) << "asked twice, arrived once";
    ring.take(4);
    ring.give_back();
    EXPECT_EQ(ring.available(1s + 11us), 7U);
    EXPECT_EQ(ring.available(1s + 211us), burst_packets_max) << "more wait than a burst takes";
    EXPECT_EQ(ring.waiting(), 207U);
}

TEST(ReceiveRing, loses_what_finds_it_full_and_nothing_before) {
    ReceiveRing ring(64);
    ring.set_rate(1'000'000);
    ring.available(0s);
    EXPECT_EQ(ring.available(64us), 64U);
    EXPECT_EQ(ring.dropped(), 0U) << "exactly full";
    ring.available(65us);
    EXPECT_EQ(ring.dropped(), 1U) << "one more";
}

TEST(ReceiveRing, slots_of_a_burst_are_free_once_it_is_released) {
    ReceiveRing ring(64);
    ring.set_rate(1'000'000);
    ring.available(0s);
    ring.available(64us);
    ring.take(64);
    ring.available(65us);
    EXPECT_EQ(ring.dropped(), 1U) << "the worker still holds all slots";
    ring.give_back();
    ring.available(66us);
    EXPECT_EQ(ring.dropped(), 1U);
    EXPECT_EQ(ring.waiting(), 1U);
}

TEST(ReceiveRing, falls_silent_and_keeps_what_waits) {
    ReceiveRing ring(64);
    ring.set_rate(1'000'000);
    ring.available(0s);
    ring.set_rate(ReceiveRing::silent);
    EXPECT_EQ(ring.available(20us), 20U) << "what the old rate owes until it is noticed";
    EXPECT_EQ(ring.available(5s), 20U);
    EXPECT_TRUE(ring.follows(ReceiveRing::silent));
    ring.take(20);
    EXPECT_EQ(ring.waiting(), 0U);
}

}  // namespace
}  // namespace tapmeter::bench
