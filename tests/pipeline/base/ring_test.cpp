#include "pipeline/base/ring.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

namespace tapmeter {
namespace {

TEST(Ring, gives_values_back_in_order_once_published) {
    Ring<int> ring(4);
    ASSERT_TRUE(ring.push(1));
    ASSERT_TRUE(ring.push(2));
    EXPECT_TRUE(ring.readable().empty()) << "not published yet";

    ring.publish();

    const auto values = ring.readable();
    ASSERT_EQ(values.size(), 2U);
    EXPECT_EQ(values[0], 1);
    EXPECT_EQ(values[1], 2);
    ring.consume(2);
    EXPECT_EQ(ring.waiting(), 0U);
}

TEST(Ring, peek_sees_what_waits_also_across_the_end_of_the_storage) {
    Ring<int> ring(4);
    for (const int value : {1, 2, 3}) {
        ASSERT_TRUE(ring.push(value));
    }
    EXPECT_EQ(ring.peek(0), nullptr) << "not published yet";
    ring.publish();
    EXPECT_EQ(*ring.peek(2), 3);
    EXPECT_EQ(ring.peek(3), nullptr);
    ring.consume(3);
    for (const int value : {4, 5, 6}) {
        ASSERT_TRUE(ring.push(value));
    }
    ring.publish();
    EXPECT_EQ(*ring.peek(0), 4);
    EXPECT_EQ(*ring.peek(2), 6);
    EXPECT_EQ(ring.peek(7), nullptr);
}

TEST(Ring, refuses_exactly_when_full) {
    Ring<int> ring(4);
    for (int value = 0; value < 4; ++value) {
        EXPECT_EQ(ring.free_slots(4), static_cast<std::size_t>(4 - value));
        ASSERT_TRUE(ring.push(value));
    }
    EXPECT_FALSE(ring.push(4));
    ring.publish();
    EXPECT_EQ(ring.readable().size(), 4U);
    ring.consume(1);
    EXPECT_TRUE(ring.push(4));
    EXPECT_FALSE(ring.push(5));
}

TEST(Ring, readable_ends_at_the_wrap_and_goes_on_behind_it) {
    Ring<int> ring(4);
    for (int value = 0; value < 3; ++value) {
        ASSERT_TRUE(ring.push(value));
    }
    ring.publish();
    ASSERT_EQ(ring.readable().size(), 3U);
    ring.consume(3);
    for (int value = 3; value < 6; ++value) {
        ASSERT_TRUE(ring.push(value));
    }
    ring.publish();
    ASSERT_EQ(ring.readable().size(), 1U);
    EXPECT_EQ(ring.readable()[0], 3);
    ring.consume(1);
    ASSERT_EQ(ring.readable().size(), 2U);
    EXPECT_EQ(ring.readable()[1], 5);
}

TEST(RingDeathTest, giving_back_more_than_was_read_is_a_bug) {
    Ring<int> ring(4);
    EXPECT_DEATH(ring.consume(1), "broken expectation");
}

// Worth running under the thread sanitizer: two cores, a small ring, nothing may be lost.
TEST(Ring, two_threads_lose_nothing) {
    constexpr std::uint64_t values = 200'000;
    Ring<std::uint64_t> ring(64);
    std::thread producer([&ring] {
        for (std::uint64_t value = 0; value < values;) {
            if (ring.push(value)) {
                ++value;
            } else {
                std::this_thread::yield();
            }
            ring.publish();
        }
    });
    std::uint64_t expected = 0;
    while (expected < values) {
        const auto batch = ring.readable();
        for (const std::uint64_t value : batch) {
            ASSERT_EQ(value, expected++);
        }
        ring.consume(batch.size());
        if (batch.empty()) {
            std::this_thread::yield();
        }
    }
    producer.join();
}

}  // namespace
}  // namespace tapmeter
