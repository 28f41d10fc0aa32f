#include "src/bench/stopwatch.h"

#include <gtest/gtest.h>

#include <ctime>

namespace tapmeter::bench {
namespace {

Nanoseconds thread_time() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec);
}

void burn(std::chrono::milliseconds time) {
    const Nanoseconds end = thread_time() + time;
    while (thread_time() < end) {
    }
}

TEST(Stopwatch, counts_the_time_between_two_readings_of_its_thread) {
    Stopwatch watch;
    watch.ask();
    watch.look(10, 100);
    ASSERT_TRUE(watch.answered());
    const Reading first = watch.reading();
    burn(std::chrono::milliseconds(5));
    watch.look(11, 110);
    EXPECT_EQ(watch.reading().packets, 10U) << "nobody asked";
    watch.ask();
    watch.look(30, 300);
    const Interval interval = between(first, watch.reading());
    EXPECT_EQ(interval.packets, 20U);
    EXPECT_EQ(interval.octets, 200U);
    EXPECT_GE(interval.cpu, std::chrono::milliseconds(5));
    EXPECT_GE(interval.wall, std::chrono::milliseconds(5));
    EXPECT_GT(interval.cycles, 0U);
}

TEST(Stopwatch, leaves_pauses_out) {
    Stopwatch watch;
    watch.ask();
    watch.look(0, 0);
    const Reading first = watch.reading();
    watch.begin_pause();
    burn(std::chrono::milliseconds(20));
    watch.end_pause();
    watch.ask();
    watch.look(0, 0);
    EXPECT_LT(between(first, watch.reading()).cpu, std::chrono::milliseconds(15));
}

}  // namespace
}  // namespace tapmeter::bench
