#pragma once

#include <algorithm>
#include <cstdint>

#include "pipeline/base/units.h"

namespace tapmeter::capture_files {

// Times read from a file lie within 2^62 nanoseconds of 1970 (years 1823 to 2116), what is farther
// away is moved to that bound: so the difference of any two is a valid Nanoseconds.
inline constexpr std::int64_t time_bound_ns = (std::int64_t{1} << 62U) - 1;

// Turns the 64-bit time stamps of one pcapng interface into nanoseconds since 1970.
class TimeScale {
public:
    // Microseconds since 1970: what holds where the interface says nothing.
    constexpr TimeScale() noexcept = default;

    // resolution      if_tsresol: ticks are 10^-n s, or with the top bit set 2^-n s
    // offset_seconds  if_tsoffset: added to every time
    TimeScale(std::uint8_t resolution, std::int64_t offset_seconds) noexcept;

    ObservedAt at(std::uint64_t ticks) const noexcept {
        std::uint64_t ns = 0;
        if (way_ != Way::multiply) [[unlikely]] {
            ns = divided(ticks);
        } else if (__builtin_mul_overflow(ticks, factor_, &ns)) [[unlikely]] {
            ns = ceiling_ns_;
        }
        return ObservedAt{
            Nanoseconds{offset_ns_ + static_cast<std::int64_t>(std::min(ns, ceiling_ns_))}};
    }

private:
    enum class Way : std::uint8_t { multiply, divide, shift };

    std::uint64_t divided(std::uint64_t ticks) const noexcept;

    std::uint64_t factor_ = 1'000;  // multiply: ns in a tick; divide: ticks in a ns
    std::int64_t offset_ns_ = 0;
    std::uint64_t ceiling_ns_ = static_cast<std::uint64_t>(time_bound_ns);  // before the offset
    Way way_ = Way::multiply;
    std::uint8_t shift_ = 0;
};

}  // namespace tapmeter::capture_files
