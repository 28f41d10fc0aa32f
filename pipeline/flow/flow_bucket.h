#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#if defined(__SSE4_1__)
#include <smmintrin.h>
#elif defined(__SSE2__)
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
    std::uint32_t ways_in_use() const noexcept { return ~free_ways() & all_ways; }
    // Likewise where the way is in use and its deadline has come.
    std::uint32_t due_ways(Ticks now) const noexcept { return ways_in_use() & ~ways_ahead(now); }

    // Which of a full bucket's flows is missed least, and how much: first what it is worth (a
    // flow of a single packet, of several, one that was answered), then how far away its deadline
    // is; overdue flows count as due now. Of equals the first.
    struct Cheapest {
        std::uint16_t cost;
        std::uint8_t way;
    };
    // What cheapest() reckons for one way.
    std::uint16_t cost_of(std::size_t way, Ticks now) const noexcept {
        const int left = static_cast<std::int16_t>(static_cast<Ticks>(deadlines[way] - now));
        const int near = left < 0 ? 0 : left < far_away ? left : far_away;
        const unsigned worth =
            ((unsigned{tags[way]} & answered) << 1U) | (((unsigned{several} >> way) & 1U) << 14U);
        return static_cast<std::uint16_t>(static_cast<unsigned>(near) | worth);
    }

    Cheapest cheapest(Ticks now) const noexcept {
#if defined(__SSE4_1__)
        const __m128i bits = _mm_set_epi16(0x80, 0x40, 0x20, 0x10, 8, 4, 2, 1);
        const __m128i first = costs(lanes_at(0), lanes_at(deadlines_at), now, bits);
        // The last lane of the second half is no way: it costs the most.
        const __m128i second = _mm_or_si128(
            costs(lanes_at(16), lanes_at(deadlines_at + 16), now, _mm_slli_epi16(bits, 8)),
            _mm_set_epi16(-1, 0, 0, 0, 0, 0, 0, 0));
        const auto low = static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_minpos_epu16(first)));
        const auto high = static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_minpos_epu16(second)));
        const bool in_first = (low & 0xffffU) <= (high & 0xffffU);
        const std::uint32_t best = in_first ? low : high + (std::uint32_t{8} << 16U);
        return {static_cast<std::uint16_t>(best), static_cast<std::uint8_t>(best >> 16U)};
#else
        Cheapest best{0xffff, 0};
        for (std::size_t way = 0; way < ways; ++way) {
            const std::uint16_t cost = cost_of(way, now);
            if (cost < best.cost) {
                best = {cost, static_cast<std::uint8_t>(way)};
            }
        }
        return best;
#endif
    }

private:
    // Bit w is set where the deadline of way w is still ahead; see is_due().
    std::uint32_t ways_ahead(Ticks now) const noexcept {
#if defined(__SSE2__)
        // The second half reads `guests` as a sixteenth deadline; its bit is cut off.
        const auto half = [&](std::size_t octets) noexcept {
            const __m128i past =
                _mm_sub_epi16(_mm_set1_epi16(static_cast<short>(now)), lanes_at(octets));
            return _mm_cmplt_epi16(past, _mm_setzero_si128());
        };
        const __m128i both =
            _mm_packs_epi16(half(deadlines_at), half(deadlines_at + sizeof(__m128i)));
        return static_cast<std::uint32_t>(_mm_movemask_epi8(both)) & all_ways;
#else
        std::uint32_t ahead = 0;
        for (std::size_t way = 0; way < ways; ++way) {
            ahead |= static_cast<std::uint32_t>(!is_due(deadlines[way], now)) << way;
        }
        return ahead;
#endif
    }

    static constexpr std::int16_t far_away = 0x3fff;  // below the two bits of worth
    static constexpr std::size_t deadlines_at = ways * sizeof(std::uint16_t);

#if defined(__SSE2__)
    __m128i lanes_at(std::size_t octet) const noexcept {
        __m128i lanes;  // NOLINT(*-init-variables): written whole by the next line
        std::memcpy(&lanes, std::as_bytes(std::span{this, 1}).subspan(octet).data(), sizeof(lanes));
        return lanes;
    }
#endif
#if defined(__SSE4_1__)
    // of_several  lane w: the bit of its way in `several`
    __m128i costs(__m128i tag, __m128i deadline, Ticks now, __m128i of_several) const noexcept {
        const __m128i left = _mm_sub_epi16(deadline, _mm_set1_epi16(static_cast<short>(now)));
        const __m128i near =
            _mm_min_epi16(_mm_max_epi16(left, _mm_setzero_si128()), _mm_set1_epi16(far_away));
        const __m128i answers = _mm_slli_epi16(_mm_and_si128(tag, _mm_set1_epi16(answered)), 1);
        const __m128i has_several = _mm_cmpeq_epi16(
            _mm_and_si128(_mm_set1_epi16(static_cast<short>(several)), of_several), of_several);
        return _mm_or_si128(
            near, _mm_or_si128(answers, _mm_and_si128(has_several, _mm_set1_epi16(far_away + 1))));
    }
#endif

    // Bit w is set where the tag of way w, under `mask`, equals `tag`.
    std::uint32_t matching(std::uint16_t tag, std::uint16_t mask) const noexcept {
#if defined(__SSE2__)
        // The second half reads the first deadline as a sixteenth tag; its bit is cut off. Without
        // AVX2 compilers make 15 tests of the loop below.
        const auto half = [&](std::size_t octets) noexcept {
            const __m128i lanes =
                _mm_and_si128(lanes_at(octets), _mm_set1_epi16(static_cast<short>(mask)));
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
