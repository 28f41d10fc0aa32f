#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "pipeline/base/units.h"

namespace tapmeter {

// The time of live packets: the wall clock read once at start, carried on by the monotonic clock.
// A stepped wall clock therefore never tears a flow apart nor expires all of them at once.
// Immutable after construction: any thread may read it; one reading costs about 20 ns, no system
// call (vDSO).
class LiveClock {
public:
    LiveClock() noexcept
        : wall_at_start_(std::chrono::system_clock::now().time_since_epoch()),
          monotonic_at_start_(std::chrono::steady_clock::now()) {}

    ObservedAt now() const noexcept {
        return ObservedAt{wall_at_start_ +
                          (std::chrono::steady_clock::now() - monotonic_at_start_)};
    }

    // What now() calls 0 of the monotonic clock, by which the kernel stamps as well.
    ObservedAt monotonic_zero() const noexcept {
        return ObservedAt{wall_at_start_ - monotonic_at_start_.time_since_epoch()};
    }

private:
    Nanoseconds wall_at_start_;
    std::chrono::steady_clock::time_point monotonic_at_start_;
};

// How far the system's clock has been set since a LiveClock began, which goes on as if it had not:
// no timeout and no duration feels a step, and what leaves the program is told in the time of day
// as it is now. What the clock is slewed by, both follow.
class ClockSteps {
public:
    // clock  outlives it
    explicit ClockSteps(const LiveClock& clock) noexcept : clock_(clock) { look(); }

    // Any thread: what is to be added to a time of the LiveClock.
    Nanoseconds offset() const noexcept {
        return Nanoseconds{offset_.load(std::memory_order_relaxed)};
    }

    // One thread, a few times a second: how far the clock was set since the last look. 0: it was
    // not, or by less than anybody sets a clock by.
    Nanoseconds look() noexcept {
        const ObservedAt before = clock_.now();
        const auto wall = std::chrono::system_clock::now().time_since_epoch();
        return note({.before = before, .wall = ObservedAt{wall}, .after = clock_.now()});
    }

    struct Reading {
        ObservedAt before;  // LiveClock
        ObservedAt wall;    // system's clock
        ObservedAt after;   // LiveClock again
    };
    // As look(), by this reading. One that was interrupted says nothing.
    Nanoseconds note(const Reading& reading) noexcept {
        constexpr Nanoseconds uncertain_for = std::chrono::milliseconds{1};
        constexpr Nanoseconds step_min = std::chrono::milliseconds{10};
        const Nanoseconds ahead = reading.wall - reading.before;
        const Nanoseconds step = ahead - offset();
        if (reading.after - reading.before > uncertain_for || std::chrono::abs(step) < step_min) {
            return Nanoseconds{0};
        }
        offset_.store(ahead.count(), std::memory_order_relaxed);
        return step;
    }

private:
    const LiveClock& clock_;
    std::atomic<std::int64_t> offset_{0};
};

}  // namespace tapmeter
