#pragma once

#include <cstdint>

#include "pipeline/base/packet.h"
#include "pipeline/decode/frame.h"

namespace tapmeter {

// The observation points whose packets are metered by their outermost IP header; all others by
// their innermost. Points from 64 on are always of the others.
struct OuterPoints {
    std::uint64_t bits = 0;  // bit p: observation point p

    constexpr bool has(std::uint16_t point) const noexcept {
        return point < 64 && ((bits >> point) & 1U) != 0;
    }
};

// The headers by which a packet is metered, and steered.
// tunnels  as decode::decode_innermost(); nothing entered where the outermost header counts
inline decode::Decoded<decode::Headers> decode_metered(const Packet& packet, OuterPoints outer,
                                                       decode::Tunnels& tunnels) noexcept {
    if (outer.has(packet.observation_point)) [[unlikely]] {
        tunnels.layers = 0;
        tunnels.not_entered = decode::NotEntered::no_tunnel;
        tunnels.numbered = false;
        return decode::decode_frame(packet);
    }
    return decode::decode_innermost(packet, tunnels);
}

}  // namespace tapmeter
