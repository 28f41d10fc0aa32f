#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "pipeline/base/bytes.h"

namespace tapmeter::decode {

// A place in a frame: the octets not yet read, and how many of them there were on the wire. The
// one way by which decoders move, so the one place where a frame's end is checked.
// Invariant: captured().size() <= wire_octets().
class Cursor {
public:
    // captured     the octets at hand, a view
    // wire_octets  how many there were before a snap length cut them; raised to what is at hand
    constexpr Cursor(Bytes captured, std::size_t wire_octets) noexcept
        : captured_(captured), wire_octets_(std::max(wire_octets, captured.size())) {}

    constexpr Bytes captured() const noexcept { return captured_; }
    constexpr std::size_t wire_octets() const noexcept { return wire_octets_; }

    // The next octets without moving; nothing where fewer are at hand.
    template <std::size_t octets>
    constexpr std::optional<std::span<const std::byte, octets>> peek() const noexcept {
        if (captured_.size() < octets) [[unlikely]] {
            return std::nullopt;
        }
        return captured_.first<octets>();
    }

    // The next octets, and moves behind them; nothing, and no move, where fewer are at hand.
    template <std::size_t octets>
    constexpr std::optional<std::span<const std::byte, octets>> take() noexcept {
        const auto header = peek<octets>();
        if (header) [[likely]] {
            advance(octets);
        }
        return header;
    }

    // Moves behind the next octets; false, and no move, where fewer are at hand.
    constexpr bool skip(std::size_t octets) noexcept {
        if (captured_.size() < octets) [[unlikely]] {
            return false;
        }
        advance(octets);
        return true;
    }

    // Ends the layer `octets` from here, as its length field says: what follows is padding. A
    // field that promises more than there was changes nothing.
    constexpr void cut_to(std::size_t octets) noexcept {
        wire_octets_ = std::min(wire_octets_, octets);
        captured_ = captured_.first(std::min(captured_.size(), octets));
    }

private:
    constexpr void advance(std::size_t octets) noexcept {
        captured_ = captured_.subspan(octets);
        wire_octets_ -= octets;
    }

    Bytes captured_;
    std::size_t wire_octets_;
};

}  // namespace tapmeter::decode
