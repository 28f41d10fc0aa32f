#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "pipeline/base/ring.h"

namespace tapmeter::flow {

// Coarse time for deadlines: 2^24 ns, 16.8 ms a tick. 16 bits wrap after 18 minutes, so only
// differences of less than half of that are compared; a deadline further away is written as
// deadline_ticks_max from now and looked at again then.
using Ticks = std::uint16_t;
inline constexpr unsigned tick_shift = 24;
inline constexpr std::int64_t deadline_ticks_max = std::int64_t{1} << 14U;  // 4.6 minutes

// True where `ticks` is not after `now`; both within half a wrap of each other.
constexpr bool is_due(Ticks ticks, Ticks now) noexcept {
    return static_cast<std::int16_t>(static_cast<Ticks>(now - ticks)) >= 0;
}

// One cache line that answers "is this flow here, and if not, which flow makes room?" without
// touching a flow. Way w of bucket b always owns flow b × ways + w: the place is the pointer.
//
//   octet  0                          30                         60         62       64
//          +--------------------------+--------------------------+----------+--------+
//          | tags            15 × 2   | deadlines       15 × 2   | guests   | unused |
//          +--------------------------+--------------------------+----------+--------+
//
// A tag is 14 bits of the flow's hash below two bits: in use, answered. A lookup in a full bucket
// meets a wrong flow about once in 2^14 / 15 = 1,092 times. A deadline is the tick before which
// nothing can happen to the flow; packets do not move it, expiry looks and moves it on.
// `guests` counts the flows of this bucket that live in their other bucket because this one was
// full; while it is 0 a lookup ends here.
struct alignas(cache_line_octets) FlowBucket {
    static constexpr std::size_t ways = 15;
    static constexpr std::uint16_t in_use = 0x8000;
    static constexpr std::uint16_t answered = 0x4000;
    static constexpr std::uint16_t hash_bits = 0x3fff;
    static constexpr std::uint32_t all_ways = (1U << ways) - 1;

    std::array<std::uint16_t, ways> tags{};
    std::array<Ticks, ways> deadlines{};
    std::uint16_t guests = 0;
    std::uint16_t unused = 0;

    // Bit w is set where way w is in use and carries these hash bits.
    constexpr std::uint32_t ways_with(std::uint16_t tag) const noexcept {
        std::uint32_t found = 0;
        for (std::size_t way = 0; way < ways; ++way) {
            const bool same = (tags[way] & ~answered) == tag;
            found |= static_cast<std::uint32_t>(same) << way;
        }
        return found;
    }
    constexpr std::uint32_t free_ways() const noexcept {
        std::uint32_t found = 0;
        for (std::size_t way = 0; way < ways; ++way) {
            found |= static_cast<std::uint32_t>(tags[way] == 0) << way;
        }
        return found;
    }
};
static_assert(sizeof(FlowBucket) == cache_line_octets);

}  // namespace tapmeter::flow
