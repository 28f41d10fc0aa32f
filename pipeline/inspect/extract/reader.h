#pragma once

#include <cstddef>
#include <cstdint>

#include "pipeline/base/bytes.h"

namespace tapmeter::inspect::extract {

// Walks the octets of a message whose fields say how long other fields are. Asking for more than
// there is fails, and stays failed: everything read from then on is zero or empty. So a parser
// reads a whole structure and asks once, at the end, whether it was all there.
class Reader {
public:
    constexpr explicit Reader(Bytes octets) noexcept : rest_(octets) {}

    constexpr bool failed() const noexcept { return failed_; }
    constexpr std::size_t left() const noexcept { return rest_.size(); }
    constexpr bool empty() const noexcept { return rest_.empty(); }
    constexpr Bytes rest() const noexcept { return rest_; }

    constexpr Bytes take(std::size_t octets) noexcept {
        if (octets > rest_.size()) {
            fail();
            return {};
        }
        const Bytes taken = rest_.first(octets);
        rest_ = rest_.subspan(octets);
        return taken;
    }
    constexpr void skip(std::size_t octets) noexcept { take(octets); }

    constexpr std::uint8_t u8() noexcept {
        const Bytes octets = take(1);
        return octets.empty() ? std::uint8_t{0} : load_be8(octets.first<1>());
    }
    constexpr std::uint16_t u16() noexcept {
        const Bytes octets = take(2);
        return octets.empty() ? std::uint16_t{0} : load_be16(octets.first<2>());
    }
    constexpr std::uint32_t u24() noexcept {
        const std::uint32_t high = u8();
        return (high << 16U) | u16();
    }
    constexpr std::uint32_t u32() noexcept {
        const Bytes octets = take(4);
        return octets.empty() ? 0 : load_be32(octets.first<4>());
    }

    // Vectors with their length before them, in 1, 2 or 3 octets (RFC 8446 §3.4).
    constexpr Bytes vector8() noexcept { return take(u8()); }
    constexpr Bytes vector16() noexcept { return take(u16()); }
    constexpr Bytes vector24() noexcept { return take(u24()); }

    // What is there of a vector that may be cut off; the reader has failed if it is.
    constexpr Bytes vector16_begun() noexcept {
        const std::size_t octets = u16();
        return octets <= left() ? take(octets) : take_all_and_fail();
    }

    constexpr void fail() noexcept {
        failed_ = true;
        rest_ = {};
    }

private:
    constexpr Bytes take_all_and_fail() noexcept {
        const Bytes all = rest_;
        fail();
        return all;
    }

    Bytes rest_;
    bool failed_ = false;
};

}  // namespace tapmeter::inspect::extract
