#pragma once

#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace tapmeter {

// The CPU's time stamp counter, which runs at one rate on all cores; about 10 ns a reading. On
// other CPUs the monotonic clock in nanoseconds. Only ratios of its differences mean anything.
inline std::uint64_t cycles_now() noexcept {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

}  // namespace tapmeter
