#pragma once

#include <cstdint>

#include "pipeline/decode/cursor.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/malformed.h"
#include "pipeline/decode/network.h"

namespace tapmeter::decode {

inline constexpr std::size_t ethernet_header_octets = 14;
inline constexpr std::size_t vlan_tag_octets = 4;
inline constexpr std::uint16_t vlan_id_mask = 0x0fff;

// The least value of a type field that is a type and not a length. IEEE 802.3 §3.2.6.
inline constexpr std::uint16_t ethertype_min = 0x0600;
inline constexpr std::uint16_t ethertype_ipv4 = 0x0800;
inline constexpr std::uint16_t ethertype_vlan = 0x8100;  // IEEE 802.1Q customer tag
inline constexpr std::uint16_t ethertype_ipv6 = 0x86dd;
inline constexpr std::uint16_t ethertype_bridged_ethernet = 0x6558;  // RFC 1701: a frame follows
inline constexpr std::uint16_t ethertype_ppp = 0x880b;
inline constexpr std::uint16_t ethertype_mpls_unicast = 0x8847;
inline constexpr std::uint16_t ethertype_network_service = 0x894f;

// Reads what may stand between an Ethernet header and IP, for every link layer that names what it
// carries by an ethertype: VLAN tags, Cisco's security group tag, an IEEE 802.2 header behind a
// length, MPLS labels, PPPoE, a network service header, a provider backbone's tag.
//
// type     the ethertype, or below 1536 the octets of an 802.2 frame; that length is ignored,
//          because IP has one of its own
// rest     behind the type; afterwards at the IP header where there is one, or at the Ethernet
//          header that is carried
// headers  gets vlan and customer_vlan, and non_ip where there is no IP
// errors   truncated        the frame ends inside one of these headers
//          too_many_tags    more than vlan_tags_max
//          too_many_labels  more than mpls_labels_max
//          bad_total_length a network service header shorter than its fixed part
// source   IEEE 802.3 §3.2.6; IEEE 802.1Q §9; RFC 1042; RFC 2516; RFC 3032; RFC 8300 §2
Decoded<Network> read_ethertype(std::uint16_t type, Cursor& rest, Headers& headers) noexcept;

// Reads an IEEE 802.2 header: IP behind SNAP (RFC 1042) or behind IP's own SAP, else non_ip = llc.
Decoded<Network> read_llc(Cursor& rest, Headers& headers) noexcept;

// Reads an Ethernet header and all that read_ethertype() reads behind it; `rest` is at the
// destination address. Here and not in ethernet.cpp, like all that most packets pass: inlined into
// one function they keep `rest` in registers, which halves the time of a packet.
[[gnu::always_inline]] inline Decoded<Network> read_ethernet(Cursor& rest,
                                                             Headers& headers) noexcept {
    if (!rest.holds(ethernet_header_octets)) {
        return malformed(Undecoded::truncated);
    }
    std::uint16_t type = load_be16(rest.take<ethernet_header_octets>().last<2>());
    // One customer tag in front of IP, as on every trunk port.
    if (type == ethertype_vlan && rest.holds(vlan_tag_octets)) {
        const auto tag = rest.peek<vlan_tag_octets>();
        const std::uint16_t tagged = load_be16(tag.last<2>());
        if (tagged == ethertype_ipv4 || tagged == ethertype_ipv6) [[likely]] {
            headers.vlan = load_be16(tag.first<2>()) & vlan_id_mask;
            rest.skip(vlan_tag_octets);
            type = tagged;
        }
    }
    if (type == ethertype_ipv4) [[likely]] {
        return Network::ipv4;
    }
    if (type == ethertype_ipv6) [[likely]] {
        return Network::ipv6;
    }
    Cursor moved = rest;  // a copy, so that `rest` itself never needs an address
    const auto network = read_ethertype(type, moved, headers);
    rest = moved;
    return network;
}

}  // namespace tapmeter::decode
