#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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
//          | tags            15 × 2   | deadlines       15 × 2   | guests   | several|
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
    std::uint16_t several = 0;  // bit w: the flow of way w has had more than one packet

    // Bit w is set where way w is in use and carries these hash bits.
    std::uint32_t ways_with(std::uint16_t tag) const noexcept {
        return matching(tag, static_cast<std::uint16_t>(~answered));
    }
    std::uint32_t free_ways() const noexcept { return matching(0, 0xffff); }

private:
    // Bit w is set where the tag of way w, under `mask`, equals `tag`.
    std::uint32_t matching(std::uint16_t tag, std::uint16_t mask) const noexcept {
#if defined(__SSE2__)
        // The second half reads the first deadline as a sixteenth tag; its bit is cut off. Without
        // AVX2 compilers make 15 tests of the loop below.
        const auto half = [&](std::size_t octets) noexcept {
            __m128i lanes;  // NOLINT(*-init-variables): written whole by the next line
            std::memcpy(&lanes, std::as_bytes(std::span{this, 1}).subspan(octets).data(),
                        sizeof(lanes));
            lanes = _mm_and_si128(lanes, _mm_set1_epi16(static_cast<short>(mask)));
            return _mm_cmpeq_epi16(lanes, _mm_set1_epi16(static_cast<short>(tag)));
        };
        const __m128i both = _mm_packs_epi16(half(0), half(sizeof(__m128i)));
        return static_cast<std::uint32_t>(_mm_movemask_epi8(both)) & all_ways;
#else
        std::uint32_t found = 0;
        for (std::size_t way = 0; way < ways; ++way) {
            found |= static_cast<std::uint32_t>((tags[way] & mask) == tag) << way;
        }
        return found;
#endif
    }
};
static_assert(sizeof(FlowBucket) == cache_line_octets);
static_assert(offsetof(FlowBucket, deadlines) == FlowBucket::ways * sizeof(std::uint16_t));

}  // namespace tapmeter::flow
