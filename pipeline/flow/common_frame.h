#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

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

constexpr bool may_be_tunnel(std::uint32_t ports) noexcept {
    return decode::is_tunnel_port(static_cast<std::uint16_t>(ports >> 16U)) ||
           decode::is_tunnel_port(static_cast<std::uint16_t>(ports));
}

// A frame down to its IP header.
struct CommonLink {
    Bytes ip{};
    std::size_t octets = 0;  // of the link's header
    std::uint16_t vlan = 0;
};

// What an IP header says of its datagram.
struct CommonDatagram {
    std::size_t octets = 0;         // as it says of itself
    std::size_t header_octets = 0;  // of IP
    std::uint32_t ports = 0;        // source and destination, as they stand
    bool source_is_low = false;
    std::uint8_t ip_version = 0;
    std::uint8_t protocol = 0;
    std::uint8_t type_of_service = 0;
    std::uint8_t time_to_live = 0;
};

// All of a key but its addresses, in two stores: so many small ones would still be on their way to
// the cache when the key is hashed.
// Which end sends is a coin's throw from packet to packet, and no processor guesses that: ports are
// put in their order without a branch.
inline void store_labels(const CommonDatagram& datagram, std::uint16_t vlan,
                         FlowKey& key) noexcept {
    static_assert(offsetof(FlowKey, high_port) == offsetof(FlowKey, low_port) + 2 &&
                  offsetof(FlowKey, vlan) == offsetof(FlowKey, low_port) + 4 &&
                  offsetof(FlowKey, protocol) == offsetof(FlowKey, low_port) + 8 &&
                  offsetof(FlowKey, ip_version) == offsetof(FlowKey, low_port) + 9);
    if constexpr (std::endian::native == std::endian::little) {
        const int turned = datagram.source_is_low ? 16 : 0;
        const std::array<std::uint64_t, 2> labels{
            std::rotl(datagram.ports, turned) | std::uint64_t{vlan} << 32U,
            datagram.protocol | std::uint64_t{datagram.ip_version} << 8U};
        std::memcpy(std::as_writable_bytes(std::span{&key, 1})
                        .subspan<offsetof(FlowKey, low_port), sizeof(labels)>()
                        .data(),
                    labels.data(), sizeof(labels));
        return;
    }
    const auto source_port = static_cast<std::uint16_t>(datagram.ports >> 16U);
    const auto destination_port = static_cast<std::uint16_t>(datagram.ports);
    key.low_port = datagram.source_is_low ? source_port : destination_port;
    key.high_port = datagram.source_is_low ? destination_port : source_port;
    key.vlan = vlan;
    key.customer_vlan = 0;
    key.protocol = datagram.protocol;
    key.ip_version = datagram.ip_version;
    key.aggregate = 0;
    key.prefix_length = 0;
    key.attached = 0;
}

// The addresses stand in the key already, and the frame holds TCP's or UDP's fixed header.
// returns  false: a tunnel may begin here
[[gnu::always_inline]] inline bool finish_common(const Packet& packet, const CommonLink& link,
                                                 const CommonDatagram& datagram, std::uint16_t vlan,
                                                 FlowKey& key, Observation& to) noexcept {
    std::uint16_t control_bits = 0;
    if (datagram.protocol == protocol_tcp) {
        control_bits = load_be16(part<12, 2>(link.ip.subspan(datagram.header_octets))) & 0x0fffU;
    } else if (may_be_tunnel(datagram.ports)) [[unlikely]] {
        return false;
    }
    store_labels(datagram, vlan, key);
    const std::size_t wire_octets =
        std::max<std::size_t>(packet.wire_octets, packet.frame.size()) - link.octets;
    const auto octets = static_cast<std::uint32_t>(std::min(datagram.octets, wire_octets));
    to.at = packet.observed_at;
    to.octets = octets;
    to.layer2_octets = packet.wire_octets;
    to.tcp_control_bits = control_bits;
    to.observation_point = packet.observation_point;
    static_assert(static_cast<int>(Sender::low) == 0 && static_cast<int>(Sender::high) == 1);
    to.sender = static_cast<Sender>(!datagram.source_is_low);
    to.protocol = datagram.protocol;
    to.type_of_service = datagram.type_of_service;
    to.time_to_live = datagram.time_to_live;
    to.icmp_type = 0;
    to.icmp_code = 0;
    to.transport_at = static_cast<std::uint8_t>(link.octets + datagram.header_octets);
    to.transport_octets = octets - static_cast<std::uint32_t>(datagram.header_octets);
    return true;
}

// The header, and the ports behind it, are read as three numbers.
[[gnu::always_inline]] inline bool read_common_ipv4(const Packet& packet, const CommonLink& link,
                                                    bool vlan_in_key, FlowKey& key,
                                                    Observation& to) noexcept {
    // Version, header length, more fragments and fragment offset, of the first eight octets.
    constexpr std::uint64_t looked_at = std::uint64_t{0xff} << 56U | ipv4_fragment_mask;
    constexpr std::uint64_t common = std::uint64_t{ipv4_version_and_length} << 56U;
    const Bytes ip = link.ip;
    if (ip.size() < decode::ipv4_header_octets_min + udp_header_octets) [[unlikely]] {
        return false;
    }
    const std::uint64_t lengths = load_be64(part<0, 8>(ip));
    const std::uint64_t up_to_source = load_be64(part<8, 8>(ip));
    const std::uint64_t behind = load_be64(part<16, 8>(ip));
    const auto protocol = static_cast<std::uint8_t>(up_to_source >> 48U);
    const std::size_t total_octets = lengths >> 32U & 0xffffU;
    const std::size_t needed = decode::ipv4_header_octets_min + transport_octets_min(protocol);
    if ((lengths & looked_at) != common || !is_tcp_or_udp(protocol) ||
        std::min(ip.size(), total_octets) < needed) [[unlikely]] {
        return false;
    }
    const auto ports = static_cast<std::uint32_t>(behind);
    const std::uint64_t source = (up_to_source << 32U | (ports & 0xffff'0000U)) >> 16U;
    const std::uint64_t destination = behind >> 32U << 16U | (ports & 0xffffU);
    const bool source_is_low = source <= destination;
    // The 16 octets that end with the source begin the header, the destination's four later.
    const std::size_t high_at = 4 * std::size_t{source_is_low};
    decode::copy_ipv4_address(ip.subspan(4 - high_at).first<16>(), key.low);
    decode::copy_ipv4_address(ip.subspan(high_at).first<16>(), key.high);
    return finish_common(packet, link,
                         {.octets = total_octets,
                          .header_octets = decode::ipv4_header_octets_min,
                          .ports = ports,
                          .source_is_low = source_is_low,
                          .ip_version = 4,
                          .protocol = protocol,
                          .type_of_service = static_cast<std::uint8_t>(lengths >> 48U),
                          .time_to_live = static_cast<std::uint8_t>(up_to_source >> 56U)},
                         vlan_in_key ? link.vlan : std::uint16_t{0}, key, to);
}

inline void store_ipv6(std::span<const std::byte, 16> octets, decode::Address& to) noexcept {
    std::memcpy(to.data(), octets.data(), octets.size());
}

// An end of a datagram: by address, then by port.
struct Ipv6End {
    std::array<std::uint64_t, 2> address;
    std::uint32_t port;
};

inline Ipv6End ipv6_end(std::span<const std::byte, 16> address, std::uint32_t port) noexcept {
    return {{load_be64(address.first<8>()), load_be64(address.last<8>())}, port};
}

constexpr bool is_in_order(const Ipv6End& one, const Ipv6End& other) noexcept {
    const unsigned ports = one.port <= other.port ? 1U : 0U;
    const auto by = [](std::uint64_t first, std::uint64_t second, unsigned else_by) {
        return (first < second ? 1U : 0U) | ((first == second ? 1U : 0U) & else_by);
    };
    return by(one.address[0], other.address[0], by(one.address[1], other.address[1], ports)) != 0;
}

[[gnu::always_inline]] inline bool read_common_ipv6(const Packet& packet, const CommonLink& link,
                                                    bool vlan_in_key, FlowKey& key,
                                                    Observation& to) noexcept {
    const Bytes ip = link.ip;
    if (ip.size() < decode::ipv6_header_octets + udp_header_octets) [[unlikely]] {
        return false;
    }
    const std::uint64_t first = load_be64(part<0, 8>(ip));
    const auto protocol = static_cast<std::uint8_t>(first >> 8U);
    const std::size_t payload_octets = first >> 16U & 0xffffU;
    const std::size_t needed = transport_octets_min(protocol);
    if (first >> 60U != 6 || !is_tcp_or_udp(protocol) || payload_octets < needed ||
        ip.size() < decode::ipv6_header_octets + needed) [[unlikely]] {
        return false;
    }
    const std::uint32_t ports = load_be32(part<decode::ipv6_header_octets, 4>(ip));
    const bool source_is_low = is_in_order(ipv6_end(part<8, 16>(ip), ports >> 16U),
                                           ipv6_end(part<24, 16>(ip), ports & 0xffffU));
    const std::size_t low_at = 24 - 16 * std::size_t{source_is_low};
    store_ipv6(ip.subspan(low_at).first<16>(), key.low);
    store_ipv6(ip.subspan(32 - low_at).first<16>(), key.high);
    return finish_common(packet, link,
                         {.octets = decode::ipv6_header_octets + payload_octets,
                          .header_octets = decode::ipv6_header_octets,
                          .ports = ports,
                          .source_is_low = source_is_low,
                          .ip_version = 6,
                          .protocol = protocol,
                          .type_of_service = static_cast<std::uint8_t>(first >> 52U),
                          .time_to_live = static_cast<std::uint8_t>(first)},
                         vlan_in_key ? link.vlan : std::uint16_t{0}, key, to);
}

}  // namespace detail

// Reads what nearly every frame is, in one go and without the walk through the layers: Ethernet,
// at most one customer VLAN tag, IPv4 without options or IPv6 without extension headers, whole
// datagrams, TCP or UDP with their fixed headers at hand. UDP of a tunnel's port takes the walk.
//
// A function of its own: as part of a loop that has much else to remember, compilers keep half of
// this in memory.
//
// key, to  get what decode_innermost(), write_key() and observe() would give them
// returns  false: the frame is something else, `key` and `to` may hold anything, take the walk
[[gnu::noinline]] inline bool read_common(const Packet& packet, bool vlan_in_key, FlowKey& key,
                                          Observation& to) noexcept {
    constexpr std::size_t type_at = decode::ethernet_header_octets - 2;
    const Bytes frame = packet.frame;
    if (packet.link != LinkType::ethernet ||
        frame.size() < decode::ethernet_header_octets + decode::vlan_tag_octets) [[unlikely]] {
        return false;
    }
    detail::CommonLink link{.ip = frame.subspan<decode::ethernet_header_octets>(),
                            .octets = decode::ethernet_header_octets};
    std::uint16_t type = load_be16(frame.subspan<type_at>().first<2>());
    if (type == decode::ethertype_ipv4) [[likely]] {
        return detail::read_common_ipv4(packet, link, false, key, to);
    }
    if (type == decode::ethertype_vlan) {
        link.vlan = load_be16(link.ip.first<2>()) & decode::vlan_id_mask;
        type = load_be16(link.ip.subspan<2>().first<2>());
        link.ip = link.ip.subspan<decode::vlan_tag_octets>();
        link.octets += decode::vlan_tag_octets;
        if (type == decode::ethertype_ipv4) {
            return detail::read_common_ipv4(packet, link, vlan_in_key, key, to);
        }
    }
    return type == decode::ethertype_ipv6 &&
           detail::read_common_ipv6(packet, link, vlan_in_key, key, to);
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
