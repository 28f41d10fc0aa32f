#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "pipeline/base/bytes.h"
#include "pipeline/base/expects.h"

namespace tapmeter::decode {

// A place in a frame: the octets not yet read, and how many more of them there were on the wire.
// The one way by which decoders move. A decoder asks holds() and then takes; take() and skip()
// check again for our own mistakes, which costs nothing behind a holds() of the same number.
class Cursor {
public:
    // captured     the octets at hand, a view
    // wire_octets  how many there were before a snap length cut them; raised to what is at hand
    constexpr Cursor(Bytes captured, std::size_t wire_octets) noexcept
        : captured_(captured),
          beyond_octets_(wire_octets > captured.size() ? wire_octets - captured.size() : 0) {}

    constexpr Bytes captured() const noexcept { return captured_; }

    // Octets from here to the end of the layer as it was on the wire.
    constexpr std::size_t wire_octets() const noexcept { return captured_.size() + beyond_octets_; }

    constexpr bool holds(std::size_t octets) const noexcept { return captured_.size() >= octets; }

    // The next octets, without moving.
    template <std::size_t octets>
    constexpr std::span<const std::byte, octets> peek() const noexcept {
        expects(holds(octets));
        return captured_.first<octets>();
    }

    // The next octets; moves behind them.
    template <std::size_t octets>
    constexpr std::span<const std::byte, octets> take() noexcept {
        const auto header = peek<octets>();
        captured_ = captured_.subspan(octets);
        return header;
    }

    constexpr void skip(std::size_t octets) noexcept {
        expects(holds(octets));
        captured_ = captured_.subspan(octets);
    }

    // Ends the layer `octets` from here, as its length field says: what follows is padding. A
    // field that promises more than there was changes nothing.
    constexpr void cut_to(std::size_t octets) noexcept {
        const std::size_t captured_octets = std::min(captured_.size(), octets);
        beyond_octets_ = std::min(beyond_octets_, octets - captured_octets);
        captured_ = captured_.first(captured_octets);
    }

private:
    Bytes captured_;
    std::size_t beyond_octets_;  // on the wire behind captured_: cut off by the snap length
};

}  // namespace tapmeter::decode
