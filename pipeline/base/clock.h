#pragma once

#include <chrono>

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

}  // namespace tapmeter
