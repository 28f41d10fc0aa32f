#include "pipeline/decode/ethernet.h"

#include "pipeline/decode/frame.h"
#include "pipeline/decode/mpls.h"
#include "pipeline/decode/ppp.h"

namespace tapmeter::decode {

namespace {

constexpr std::uint16_t length_max = 1500;  // up to here the type field is a length

constexpr std::uint16_t ethertype_arp = 0x0806;
constexpr std::uint16_t ethertype_rarp = 0x8035;
constexpr std::uint16_t ethertype_service_vlan = 0x88a8;  // IEEE 802.1Q service tag ("802.1ad")
constexpr std::uint16_t ethertype_old_vlan = 0x9100;      // QinQ before there was a standard
constexpr std::uint16_t ethertype_slow_protocols = 0x8809;
constexpr std::uint16_t ethertype_mpls_multicast = 0x8848;
constexpr std::uint16_t ethertype_pppoe_discovery = 0x8863;
constexpr std::uint16_t ethertype_pppoe_session = 0x8864;
constexpr std::uint16_t ethertype_provider_backbone = 0x88e7;  // IEEE 802.1ah service tag
constexpr std::uint16_t ethertype_cisco_metadata = 0x8909;
constexpr std::uint16_t ethertype_eapol = 0x888e;
constexpr std::uint16_t ethertype_lldp = 0x88cc;
constexpr std::uint16_t ethertype_macsec = 0x88e5;
constexpr std::uint16_t ethertype_ptp = 0x88f7;

constexpr std::size_t llc_header_octets = 3;
constexpr std::size_t snap_header_octets = 5;
constexpr std::uint32_t llc_snap = 0xaaaa03;       // DSAP, SSAP, control: unnumbered information
constexpr std::uint32_t llc_ip = 0x060603;         // the SAP that IEEE gave to IP
constexpr std::uint32_t oui_ethertype = 0x000000;  // RFC 1042: an ethertype follows
constexpr std::uint32_t oui_bridged = 0x0000f8;    // IEEE 802.1H: the same, for bridges

constexpr std::size_t cisco_metadata_octets = 8;  // version, length, option, group tag, ethertype

constexpr std::size_t service_header_octets_min = 8;
constexpr std::size_t service_octets_per_word = 4;
constexpr std::uint16_t service_words_mask = 0x3f;
constexpr std::uint8_t service_carries_ipv4 = 1;
constexpr std::uint8_t service_carries_ipv6 = 2;
constexpr std::uint8_t service_carries_ethernet = 3;
constexpr std::uint8_t service_carries_mpls = 5;

constexpr std::size_t backbone_tag_octets = 4;  // the rest of it is the inner Ethernet's addresses

constexpr bool is_vlan_tag(std::uint16_t ethertype) noexcept {
    return ethertype == ethertype_vlan || ethertype == ethertype_service_vlan ||
           ethertype == ethertype_old_vlan;
}

constexpr std::uint32_t load_be24(std::span<const std::byte, 3> b) noexcept {
    return (std::uint32_t{load_be8(b.first<1>())} << 16U) | load_be16(b.last<2>());
}

Decoded<Network> no_ip(NonIp kind, Headers& headers) noexcept {
    headers.non_ip = kind;
    return Network::none;
}

// Reads the tags that begin with the type `tag`; answers the type behind the last one.
Decoded<std::uint16_t> read_tags(std::uint16_t tag, Cursor& rest, Headers& headers) noexcept {
    for (unsigned tags = 0; is_vlan_tag(tag); ++tags) {
        if (tags == vlan_tags_max) {
            return malformed(Undecoded::too_many_tags);
        }
        if (!rest.holds(vlan_tag_octets)) {
            return malformed(Undecoded::truncated);
        }
        const auto header = rest.take<vlan_tag_octets>();
        const std::uint16_t id = load_be16(header.first<2>()) & vlan_id_mask;
        if (tags == 0) {
            headers.vlan = id;
        } else if (tags == 1) {
            headers.customer_vlan = id;
        }
        tag = load_be16(header.last<2>());
    }
    return tag;
}

// Cisco's security group tag stands between the VLAN tags and what they carry; answers the type
// behind it.
Decoded<std::uint16_t> read_cisco_metadata(Cursor& rest) noexcept {
    if (!rest.holds(cisco_metadata_octets)) {
        return malformed(Undecoded::truncated);
    }
    return load_be16(rest.take<cisco_metadata_octets>().last<2>());
}

// A network service header, RFC 8300 §2.
Decoded<Network> read_service_header(Cursor& rest, Headers& headers) noexcept {
    if (!rest.holds(service_header_octets_min)) {
        return malformed(Undecoded::truncated);
    }
    const auto header = rest.peek<service_header_octets_min>();
    const std::size_t octets =
        (load_be16(header.subspan<0, 2>()) & service_words_mask) * service_octets_per_word;
    if (octets < service_header_octets_min) {
        return malformed(Undecoded::bad_total_length);
    }
    if (!rest.holds(octets)) {
        return malformed(Undecoded::truncated);
    }
    rest.skip(octets);
    headers.encapsulations.add(Encapsulation::service_header);
    switch (load_be8(header.subspan<3, 1>())) {
        case service_carries_ipv4:
            return Network::ipv4;
        case service_carries_ipv6:
            return Network::ipv6;
        case service_carries_ethernet:
            return Network::ethernet;
        case service_carries_mpls:
            return read_mpls(rest, headers);
        default:
            return no_ip(NonIp::other, headers);
    }
}

Decoded<Network> read_provider_backbone(Cursor& rest, Headers& headers) noexcept {
    if (!rest.holds(backbone_tag_octets)) {
        return malformed(Undecoded::truncated);
    }
    rest.skip(backbone_tag_octets);
    headers.encapsulations.add(Encapsulation::provider_backbone);
    return Network::ethernet;
}

// What a type means once tags and 802.2 are behind us.
Decoded<Network> read_carried(std::uint16_t ethertype, Cursor& rest, Headers& headers) noexcept {
    switch (ethertype) {
        case ethertype_ipv4:
            return Network::ipv4;
        case ethertype_ipv6:
            return Network::ipv6;
        case ethertype_mpls_unicast:
        case ethertype_mpls_multicast:
            return read_mpls(rest, headers);
        case ethertype_pppoe_session:
            return read_pppoe_session(rest, headers);
        case ethertype_network_service:
            return read_service_header(rest, headers);
        case ethertype_provider_backbone:
            return read_provider_backbone(rest, headers);
        case ethertype_bridged_ethernet:
            return Network::ethernet;
        case ethertype_ppp:
            return read_ppp_frame(rest, headers);
        case ethertype_pppoe_discovery:
            return no_ip(NonIp::pppoe, headers);
        case ethertype_arp:
        case ethertype_rarp:
            return no_ip(NonIp::arp, headers);
        case ethertype_lldp:
            return no_ip(NonIp::lldp, headers);
        case ethertype_slow_protocols:
            return no_ip(NonIp::lacp, headers);
        case ethertype_macsec:
            return no_ip(NonIp::macsec, headers);
        case ethertype_ptp:
            return no_ip(NonIp::ptp, headers);
        case ethertype_eapol:
            return no_ip(NonIp::eapol, headers);
        default:
            return no_ip(NonIp::other, headers);
    }
}

Decoded<Network> read_snap(Cursor& rest, Headers& headers) noexcept {
    if (!rest.holds(snap_header_octets)) {
        return malformed(Undecoded::truncated);
    }
    const auto header = rest.take<snap_header_octets>();
    const std::uint32_t oui = load_be24(header.first<3>());
    if (oui != oui_ethertype && oui != oui_bridged) {
        return no_ip(NonIp::llc, headers);
    }
    return read_carried(load_be16(header.last<2>()), rest, headers);
}

}  // namespace

Decoded<Network> read_ethertype(std::uint16_t type, Cursor& rest, Headers& headers) noexcept {
    auto untagged = read_tags(type, rest, headers);
    if (untagged && *untagged == ethertype_cisco_metadata) {
        untagged = read_cisco_metadata(rest);
    }
    if (!untagged) {
        return malformed(untagged.error());
    }
    if (*untagged >= ethertype_min) [[likely]] {
        return read_carried(*untagged, rest, headers);
    }
    if (*untagged > length_max) {
        return no_ip(NonIp::other, headers);
    }
    return read_llc(rest, headers);
}

Decoded<Network> read_llc(Cursor& rest, Headers& headers) noexcept {
    if (!rest.holds(llc_header_octets)) {
        return malformed(Undecoded::truncated);
    }
    const auto header = rest.take<llc_header_octets>();
    switch (load_be24(header)) {
        case llc_snap:
            return read_snap(rest, headers);
        case llc_ip:
            return Network::ipv4;
        default:
            return no_ip(NonIp::llc, headers);
    }
}

}  // namespace tapmeter::decode
