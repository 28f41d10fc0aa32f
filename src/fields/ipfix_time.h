#pragma once

#include <algorithm>
#include <cstdint>

#include "pipeline/base/units.h"
#include "src/fields/time_unit.h"

namespace tapmeter::fields {

// Seconds from the NTP epoch, 1900-01-01, to the Unix epoch (RFC 5905).
inline constexpr std::uint64_t ntp_epoch_offset_seconds = 2'208'988'800;

// The one place where a time becomes octets of IPFIX; returned as the integer to write.
//   milliseconds  dateTimeMilliseconds, RFC 7011 section 6.1.8: since 1970
//   microseconds  dateTimeMicroseconds, section 6.1.9: NTP format, the low 11 bits zero
//   nanoseconds   dateTimeNanoseconds, section 6.1.10: NTP format; its era ends in 2036 and the
//                 seconds then wrap, as the RFC says
// The fraction is rounded up to its resolution: a reader that cuts off and a reader that rounds
// both get the very microsecond or nanosecond back. A time before 1970, which none of the formats
// can express, is written as 1970.
template <TimeUnit unit>
inline std::uint64_t ipfix_time(ObservedAt at) noexcept {
    constexpr std::uint64_t second = 1'000'000'000;
    const auto since_1970 =
        static_cast<std::uint64_t>(std::max<std::int64_t>(at.time_since_epoch().count(), 0));
    if constexpr (unit == TimeUnit::milliseconds) {
        return since_1970 / 1'000'000;
    } else {
        const std::uint64_t seconds = since_1970 / second + ntp_epoch_offset_seconds;
        std::uint64_t fraction = 0;  // of a second, in units of 2^-32
        if constexpr (unit == TimeUnit::microseconds) {
            const std::uint64_t microseconds = since_1970 % second / 1'000;
            fraction = ((microseconds << 32U) + 999'999) / 1'000'000;
            fraction = (fraction + 0x7FF) & ~std::uint64_t{0x7FF};
        } else {
            fraction = ((since_1970 % second << 32U) + (second - 1)) / second;
        }
        return (seconds << 32U) | fraction;
    }
}

}  // namespace tapmeter::fields
