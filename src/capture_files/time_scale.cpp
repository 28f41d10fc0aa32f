#include "src/capture_files/time_scale.h"

#include <limits>

namespace tapmeter::capture_files {
namespace {

constexpr std::uint64_t ns_per_second = 1'000'000'000;
constexpr unsigned ns_digits = 9;
constexpr unsigned u64_digits = 19;  // 10^19 is the largest power of ten in 64 bits

constexpr std::uint64_t power_of_ten(unsigned exponent) noexcept {
    std::uint64_t power = 1;
    for (unsigned i = 0; i < exponent; ++i) {
        power *= 10;
    }
    return power;
}

std::int64_t bounded_offset_ns(std::int64_t seconds) noexcept {
    constexpr auto seconds_max = time_bound_ns / static_cast<std::int64_t>(ns_per_second);
    if (seconds > seconds_max) {
        return time_bound_ns;
    }
    return seconds < -seconds_max ? -time_bound_ns
                                  : seconds * static_cast<std::int64_t>(ns_per_second);
}

}  // namespace

TimeScale::TimeScale(std::uint8_t resolution, std::int64_t offset_seconds) noexcept
    : offset_ns_(bounded_offset_ns(offset_seconds)),
      ceiling_ns_(static_cast<std::uint64_t>(time_bound_ns - offset_ns_)) {
    const unsigned exponent = resolution & 0x7fU;
    if ((resolution & 0x80U) != 0) {
        way_ = Way::shift;
        shift_ = static_cast<std::uint8_t>(exponent);
    } else if (exponent <= ns_digits) {
        factor_ = power_of_ten(ns_digits - exponent);
    } else {
        way_ = Way::divide;
        // Beyond 10^-28 s even the largest 64-bit count of ticks is less than a nanosecond.
        factor_ = exponent - ns_digits <= u64_digits ? power_of_ten(exponent - ns_digits) : 0;
    }
}

std::uint64_t TimeScale::divided(std::uint64_t ticks) const noexcept {
    if (way_ == Way::divide) {
        return factor_ == 0 ? 0 : ticks / factor_;
    }
    // ticks * 10^9 needs up to 94 bits.
    __extension__ using Wide = unsigned __int128;
    const Wide ns = (Wide{ticks} * ns_per_second) >> shift_;
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    return ns > most ? most : static_cast<std::uint64_t>(ns);
}

}  // namespace tapmeter::capture_files
