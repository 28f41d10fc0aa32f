#pragma once

#include <atomic>
#include <cstdint>

#include "pipeline/base/units.h"

namespace tapmeter::bench {

// How far a source and the thread that polls it had come at one moment.
struct Reading {
    Nanoseconds cpu{};   // of the polling thread (CLOCK_THREAD_CPUTIME_ID)
    Nanoseconds wall{};  // CLOCK_MONOTONIC
    std::uint64_t cycles = 0;
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;  // layer 2
};

// What lies between two readings of the same source.
struct Interval {
    Nanoseconds cpu{};
    Nanoseconds wall{};
    std::uint64_t cycles = 0;
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;

    double seconds() const noexcept { return static_cast<double>(wall.count()) * 1e-9; }
};
Interval between(const Reading& begin, const Reading& end) noexcept;

// Measures from inside: a source looks at it once a burst, in the thread of its worker, so the
// packets of a reading and its times are of the same moment. While nobody asks for a reading a
// look costs one load.
class Stopwatch {
public:
    // Main thread: the polling thread takes a reading at its next look. Gives back the one before.
    void ask() noexcept { asked_.fetch_add(1, std::memory_order_release); }
    // True once the reading that was last asked for is taken.
    bool answered() const noexcept {
        return taken_.load(std::memory_order_acquire) == asked_.load(std::memory_order_relaxed);
    }
    // Main thread, once answered().
    const Reading& reading() const noexcept { return reading_; }

    // Polling thread, once a burst.
    void look(std::uint64_t packets, std::uint64_t octets) noexcept {
        if (asked_.load(std::memory_order_relaxed) != taken_.load(std::memory_order_relaxed))
            [[unlikely]] {
            take(packets, octets);
        }
    }
    // Polling thread: what happens between the two is not the worker's doing and does not count.
    void begin_pause() noexcept;
    void end_pause() noexcept;

private:
    void take(std::uint64_t packets, std::uint64_t octets) noexcept;

    std::atomic<std::uint32_t> asked_{0};
    std::atomic<std::uint32_t> taken_{0};
    Reading reading_{};
    Reading paused_{};       // times only
    Reading pause_began_{};  // times only
};

}  // namespace tapmeter::bench
