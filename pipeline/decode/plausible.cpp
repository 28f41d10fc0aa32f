#include "pipeline/decode/plausible.h"

#include "pipeline/decode/ethernet.h"
#include "pipeline/decode/frame.h"
#include "pipeline/decode/ipv4.h"
#include "pipeline/decode/ipv6.h"

namespace tapmeter::decode {

namespace {

constexpr std::uint16_t ethertype_arp = 0x0806;
constexpr std::uint16_t ethertype_service_vlan = 0x88a8;
constexpr std::uint16_t ethertype_pppoe_discovery = 0x8863;
constexpr std::uint16_t ethertype_pppoe_session = 0x8864;

bool looks_like_ipv4(const Cursor& rest) noexcept {
    if (!rest.holds(ipv4_header_octets_min)) {
        return false;
    }
    const auto header = rest.peek<ipv4_header_octets_min>();
    const std::uint8_t version_ihl = load_be8(header.subspan<0, 1>());
    const std::size_t header_octets = (version_ihl & 0x0fU) * ipv4_octets_per_word;
    const std::size_t total_octets = load_be16(header.subspan<2, 2>());
    return version_ihl >> 4U == 4 && header_octets >= ipv4_header_octets_min &&
           total_octets >= header_octets && total_octets <= rest.wire_octets();
}

bool looks_like_ipv6(const Cursor& rest) noexcept {
    if (!rest.holds(ipv6_header_octets)) {
        return false;
    }
    const auto header = rest.peek<ipv6_header_octets>();
    const std::size_t payload_octets = load_be16(header.subspan<4, 2>());
    return load_be8(header.subspan<0, 1>()) >> 4U == 6 &&
           ipv6_header_octets + payload_octets <= rest.wire_octets();
}

}  // namespace

bool looks_like_ip(Network network, const Cursor& rest) noexcept {
    switch (network) {
        case Network::ipv4:
            return looks_like_ipv4(rest);
        case Network::ipv6:
            return looks_like_ipv6(rest);
        case Network::ethernet:
        case Network::none:
            break;
    }
    return false;
}

bool looks_like_ethernet(const Cursor& rest) noexcept {
    Cursor behind = rest;
    if (!behind.holds(ethernet_header_octets)) {
        return false;
    }
    std::uint16_t type = load_be16(behind.take<ethernet_header_octets>().last<2>());
    for (unsigned tags = 0; type == ethertype_vlan || type == ethertype_service_vlan; ++tags) {
        if (tags == vlan_tags_max || !behind.holds(vlan_tag_octets)) {
            return false;
        }
        type = load_be16(behind.take<vlan_tag_octets>().last<2>());
    }
    switch (type) {
        case ethertype_ipv4:
            return looks_like_ipv4(behind);
        case ethertype_ipv6:
            return looks_like_ipv6(behind);
        case ethertype_arp:
        case ethertype_mpls_unicast:
        case ethertype_pppoe_discovery:
        case ethertype_pppoe_session:
            return true;
        default:
            return false;
    }
}

}  // namespace tapmeter::decode
