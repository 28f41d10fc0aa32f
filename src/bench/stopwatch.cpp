#include "src/bench/stopwatch.h"

#include <ctime>

#include "pipeline/base/cycles.h"

namespace tapmeter::bench {

namespace {

Nanoseconds time_of(clockid_t clock) noexcept {
    timespec time{};
    ::clock_gettime(clock, &time);
    return std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec);
}

Reading times_now() noexcept {
    return {.cpu = time_of(CLOCK_THREAD_CPUTIME_ID),
            .wall = time_of(CLOCK_MONOTONIC),
            .cycles = cycles_now()};
}

}  // namespace

Interval between(const Reading& begin, const Reading& end) noexcept {
    return {.cpu = end.cpu - begin.cpu,
            .wall = end.wall - begin.wall,
            .cycles = end.cycles - begin.cycles,
            .packets = end.packets - begin.packets,
            .octets = end.octets - begin.octets};
}

void Stopwatch::take(std::uint64_t packets, std::uint64_t octets) noexcept {
    // Pairs with the release in ask(): nobody reads the reading before any more.
    const std::uint32_t asked = asked_.load(std::memory_order_acquire);
    reading_ = times_now();
    reading_.cpu -= paused_.cpu;
    reading_.wall -= paused_.wall;
    reading_.cycles -= paused_.cycles;
    reading_.packets = packets;
    reading_.octets = octets;
    // Pairs with the acquire in answered(): the reading is written.
    taken_.store(asked, std::memory_order_release);
}

void Stopwatch::begin_pause() noexcept {
    pause_began_ = times_now();
}

void Stopwatch::end_pause() noexcept {
    const Reading now = times_now();
    paused_.cpu += now.cpu - pause_began_.cpu;
    paused_.wall += now.wall - pause_began_.wall;
    paused_.cycles += now.cycles - pause_began_.cycles;
}

}  // namespace tapmeter::bench
