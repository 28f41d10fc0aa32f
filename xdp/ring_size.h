#pragma once

#include <cstdint>
#include <string>

namespace tapmeter::xdp {

inline constexpr std::uint32_t rx_ring_min = 64;
inline constexpr std::uint32_t rx_ring_max = 32'768;
// Where nothing tells how fast frames may come, and the least that is computed.
inline constexpr std::uint32_t rx_ring_default = 4'096;
// Most frame memory that a computed ring takes for one queue: 2 x ring x frame_octets.
inline constexpr std::uint64_t computed_frame_octets_max = std::uint64_t{64} << 20U;

struct RingSize {
    std::uint32_t descriptors = rx_ring_default;
    std::string reason;  // for the operator
};

// The ring of each of `queues` that outlasts absorb_time at line rate, or the largest that keeps to
// rx_ring_max and computed_frame_octets_max; a power of two.
// speed_bits   of the link, a second; 0: nobody knows, or the device is virtual and has none
RingSize computed_ring(std::uint64_t speed_bits, std::uint32_t queues, std::uint32_t frame_octets);

}  // namespace tapmeter::xdp
