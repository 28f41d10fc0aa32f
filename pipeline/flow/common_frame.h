#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>

#include "pipeline/base/packet.h"
#include "pipeline/decode/ethernet.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/ipv4.h"
#include "pipeline/decode/ipv6.h"
#include "pipeline/decode/tunnel.h"
#include "pipeline/flow/flow_key.h"
#include "pipeline/flow/meter.h"

namespace tapmeter::flow {

namespace detail {

inline constexpr std::uint8_t protocol_udp = 17;
inline constexpr std::size_t tcp_header_octets = 20;  // its options are no matter here
inline constexpr std::size_t udp_header_octets = 8;
inline constexpr std::uint8_t ipv4_version_and_length = 0x45;  // no options
inline constexpr std::uint16_t ipv4_fragment_mask =
    decode::ipv4_more_fragments_flag | decode::ipv4_fragment_offset_mask;

template <std::size_t at, std::size_t octets>
constexpr auto part(std::span<const std::byte> header) noexcept {
    return header.subspan<at>().template first<octets>();
}

constexpr std::size_t transport_octets_min(std::uint8_t protocol) noexcept {
    return protocol == protocol_tcp ? tcp_header_octets : udp_header_octets;
}

constexpr bool is_tcp_or_udp(std::uint8_t protocol) noexcept {
    return protocol == protocol_tcp || protocol == protocol_udp;
}

// Which end sends is a coin's throw from packet to packet, and no processor guesses that: both are
// put in their order without a branch.
template <std::unsigned_integral Number>
constexpr void put_in_order(bool first_is_low, Number first, Number second, Number& low,
                            Number& high) noexcept {
    const auto keeps = static_cast<Number>(Number{0} - static_cast<Number>(first_is_low));
    const auto swapped = static_cast<Number>((first ^ second) & ~keeps);
    low = static_cast<Number>(first ^ swapped);
    high = static_cast<Number>(second ^ swapped);
}

// `transport` holds the whole fixed header of TCP or UDP.
// returns  false: a tunnel may begin here
inline bool read_transport(Bytes transport, bool source_is_low, FlowKey& key,
                           Observation& to) noexcept {
    const std::uint16_t source_port = load_be16(part<0, 2>(transport));
    const std::uint16_t destination_port = load_be16(part<2, 2>(transport));
    put_in_order(source_is_low, source_port, destination_port, key.low_port, key.high_port);
    static_assert(static_cast<int>(Sender::low) == 0 && static_cast<int>(Sender::high) == 1);
    to.sender = static_cast<Sender>(!source_is_low);
    to.tcp_control_bits = 0;
    if (to.protocol == protocol_tcp) {
        to.tcp_control_bits = load_be16(part<12, 2>(transport)) & 0x0fffU;
        return true;
    }
    return !decode::is_tunnel_port(source_port) && !decode::is_tunnel_port(destination_port);
}

// An IPv4 address as the last four octets of an Address.
inline void store_ipv4(std::span<const std::byte, 4> octets, decode::Address& to) noexcept {
    to = {};
    std::memcpy(&to[12], octets.data(), octets.size());
}

inline bool read_common_ipv4(Bytes ip, std::size_t wire_octets, FlowKey& key,
                             Observation& to) noexcept {
    if (ip.size() < decode::ipv4_header_octets_min + udp_header_octets) [[unlikely]] {
        return false;
    }
    const std::uint8_t protocol = load_be8(part<9, 1>(ip));
    const std::size_t total_octets = load_be16(part<2, 2>(ip));
    const std::size_t needed = decode::ipv4_header_octets_min + transport_octets_min(protocol);
    if (load_be8(part<0, 1>(ip)) != ipv4_version_and_length || !is_tcp_or_udp(protocol) ||
        (load_be16(part<6, 2>(ip)) & ipv4_fragment_mask) != 0 || ip.size() < needed ||
        total_octets < needed) [[unlikely]] {
        return false;
    }
    const Bytes transport = ip.subspan(decode::ipv4_header_octets_min);
    const auto end = [&](std::uint32_t address, std::uint16_t port) {
        return std::uint64_t{address} << 16U | port;
    };
    const bool source_is_low = end(load_be32(part<12, 4>(ip)), load_be16(part<0, 2>(transport))) <=
                               end(load_be32(part<16, 4>(ip)), load_be16(part<2, 2>(transport)));
    const std::size_t low_at = 16 - 4 * std::size_t{source_is_low};
    store_ipv4(ip.subspan(low_at).first<4>(), key.low);
    store_ipv4(ip.subspan(28 - low_at).first<4>(), key.high);
    key.ip_version = 4;
    to.protocol = protocol;
    to.octets = static_cast<std::uint32_t>(std::min(total_octets, wire_octets));
    to.transport_octets = to.octets - static_cast<std::uint32_t>(decode::ipv4_header_octets_min);
    to.transport_at = decode::ipv4_header_octets_min;
    to.type_of_service = load_be8(part<1, 1>(ip));
    to.time_to_live = load_be8(part<8, 1>(ip));
    return read_transport(transport, source_is_low, key, to);
}

inline void store_ipv6(std::span<const std::byte, 16> octets, decode::Address& to) noexcept {
    std::memcpy(to.data(), octets.data(), octets.size());
}

// An end of a datagram: by address, then by port.
struct Ipv6End {
    std::array<std::uint64_t, 2> address;
    std::uint16_t port;
};

inline Ipv6End ipv6_end(std::span<const std::byte, 16> address, std::uint16_t port) noexcept {
    decode::Address octets;  // NOLINT(*-member-init): written whole by the next line
    store_ipv6(address, octets);
    return {numbers_of(octets), port};
}

constexpr bool is_in_order(const Ipv6End& one, const Ipv6End& other) noexcept {
    const unsigned ports = one.port <= other.port ? 1U : 0U;
    const auto by = [](std::uint64_t first, std::uint64_t second, unsigned else_by) {
        return (first < second ? 1U : 0U) | ((first == second ? 1U : 0U) & else_by);
    };
    return by(one.address[0], other.address[0], by(one.address[1], other.address[1], ports)) != 0;
}

inline bool read_common_ipv6(Bytes ip, std::size_t wire_octets, FlowKey& key,
                             Observation& to) noexcept {
    if (ip.size() < decode::ipv6_header_octets + udp_header_octets) [[unlikely]] {
        return false;
    }
    const std::uint8_t protocol = load_be8(part<6, 1>(ip));
    const std::uint16_t version_and_class = load_be16(part<0, 2>(ip));
    const std::size_t payload_octets = load_be16(part<4, 2>(ip));
    const std::size_t needed = transport_octets_min(protocol);
    if (version_and_class >> 12U != 6 || !is_tcp_or_udp(protocol) || payload_octets < needed ||
        ip.size() < decode::ipv6_header_octets + needed) [[unlikely]] {
        return false;
    }
    const Bytes transport = ip.subspan(decode::ipv6_header_octets);
    const bool source_is_low =
        is_in_order(ipv6_end(part<8, 16>(ip), load_be16(part<0, 2>(transport))),
                    ipv6_end(part<24, 16>(ip), load_be16(part<2, 2>(transport))));
    const std::size_t low_at = 24 - 16 * std::size_t{source_is_low};
    store_ipv6(ip.subspan(low_at).first<16>(), key.low);
    store_ipv6(ip.subspan(32 - low_at).first<16>(), key.high);
    key.ip_version = 6;
    to.protocol = protocol;
    to.octets = static_cast<std::uint32_t>(
        std::min(decode::ipv6_header_octets + payload_octets, wire_octets));
    to.transport_octets = to.octets - static_cast<std::uint32_t>(decode::ipv6_header_octets);
    to.transport_at = decode::ipv6_header_octets;
    to.type_of_service = static_cast<std::uint8_t>(version_and_class >> 4U);
    to.time_to_live = load_be8(part<7, 1>(ip));
    return read_transport(transport, source_is_low, key, to);
}

}  // namespace detail

// Reads what nearly every frame is, in one go and without the walk through the layers: Ethernet,
// at most one customer VLAN tag, IPv4 without options or IPv6 without extension headers, whole
// datagrams, TCP or UDP with their fixed headers at hand. UDP of a tunnel's port takes the walk.
//
// key, to  get what decode_innermost(), write_key() and observe() would give them
// returns  false: the frame is something else, `key` and `to` may hold anything, take the walk
[[gnu::always_inline]] inline bool read_common(const Packet& packet, bool vlan_in_key, FlowKey& key,
                                               Observation& to) noexcept {
    constexpr std::size_t type_at = decode::ethernet_header_octets - 2;
    Bytes rest = packet.frame;
    if (packet.link != LinkType::ethernet ||
        rest.size() < decode::ethernet_header_octets + decode::vlan_tag_octets) [[unlikely]] {
        return false;
    }
    std::uint16_t type = load_be16(rest.subspan<type_at>().first<2>());
    rest = rest.subspan<decode::ethernet_header_octets>();
    std::uint16_t vlan = 0;
    if (type == decode::ethertype_vlan) {
        vlan = load_be16(rest.first<2>()) & decode::vlan_id_mask;
        type = load_be16(rest.subspan<2>().first<2>());
        rest = rest.subspan<decode::vlan_tag_octets>();
    }
    const std::size_t wire_octets = std::max<std::size_t>(packet.wire_octets, packet.frame.size()) -
                                    (packet.frame.size() - rest.size());
    const bool read =
        type == decode::ethertype_ipv4   ? detail::read_common_ipv4(rest, wire_octets, key, to)
        : type == decode::ethertype_ipv6 ? detail::read_common_ipv6(rest, wire_octets, key, to)
                                         : false;
    to.transport_at =
        static_cast<std::uint8_t>(to.transport_at + (packet.frame.size() - rest.size()));
    key.vlan = vlan_in_key ? vlan : std::uint16_t{0};
    key.customer_vlan = 0;
    key.protocol = to.protocol;
    key.aggregate = 0;
    key.prefix_length = 0;
    key.attached = 0;
    to.at = packet.observed_at;
    to.layer2_octets = packet.wire_octets;
    to.observation_point = packet.observation_point;
    to.icmp_type = 0;
    to.icmp_code = 0;
    return read;
}

// Where the IP packet begins in a frame that read_common() has read.
// octets  of the IP packet: what the link added behind it is cut off
inline Bytes common_ip(const Packet& packet, std::size_t octets) noexcept {
    constexpr std::size_t type_at = decode::ethernet_header_octets - 2;
    const bool tagged =
        load_be16(packet.frame.subspan<type_at>().first<2>()) == decode::ethertype_vlan;
    const Bytes ip = packet.frame.subspan(decode::ethernet_header_octets +
                                          (tagged ? decode::vlan_tag_octets : 0));
    return ip.first(std::min(ip.size(), octets));
}

}  // namespace tapmeter::flow
