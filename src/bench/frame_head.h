#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tapmeter::bench {

inline constexpr std::uint32_t frame_octets_min = 60;  // Ethernet without FCS
inline constexpr std::uint32_t fcs_octets = 4;
// What a frame takes on the wire beside its octets: preamble, start delimiter, the shortest gap
// (IEEE 802.3 clause 4), and the FCS.
inline constexpr std::uint32_t wire_overhead_octets = 8 + 12 + fcs_octets;
inline constexpr std::size_t frame_head_octets = 64;

inline constexpr std::uint8_t protocol_tcp = 6;
inline constexpr std::uint8_t protocol_udp = 17;

// TCP control bits (RFC 9293 section 3.1).
inline constexpr std::uint8_t tcp_fin = 0x01;
inline constexpr std::uint8_t tcp_syn = 0x02;
inline constexpr std::uint8_t tcp_psh = 0x08;
inline constexpr std::uint8_t tcp_ack = 0x10;

// What distinguishes the made-up frames: Ethernet, IPv4, and UDP or TCP.
struct FrameHead {
    std::uint64_t flow = 0;  // decides addresses and ports: no two numbers have the same
    bool from_client = true;
    std::uint8_t protocol = protocol_udp;
    std::uint8_t tcp_control_bits = 0;
    std::uint32_t frame_octets = frame_octets_min;  // without FCS; 60 to 1,514
    std::uint32_t sequence = 1;                     // of TCP, as the next
    std::uint32_t acknowledgement = 1;
};

// Length of the IPv4 datagram: the frame without its Ethernet header. TCP without data (no PSH) is
// its two headers, and what the shortest frame holds behind them is padding, as on any wire: no
// stack sends data in a SYN.
constexpr std::uint32_t ip_octets_of(const FrameHead& head) noexcept {
    constexpr std::uint32_t ethernet_octets = 14;
    constexpr std::uint32_t ipv4_and_tcp_octets = 20 + 20;
    const bool bare = head.protocol == protocol_tcp && (head.tcp_control_bits & tcp_psh) == 0;
    return bare ? ipv4_and_tcp_octets : head.frame_octets - ethernet_octets;
}

// Writes the headers of the frame and the beginning of its payload, which is zero. Addresses are
// those of 10.0.0.0/8 and 198.18.0.0/15 (RFC 2544 appendix C), so that no client's is a server's.
// The IPv4 header checksum is right; UDP and TCP carry none (0), because their payload is not made.
void write_head(const FrameHead& head, std::span<std::byte, frame_head_octets> octets) noexcept;

}  // namespace tapmeter::bench
