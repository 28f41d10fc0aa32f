#include "pipeline/decode/link.h"

#include "pipeline/decode/ethernet.h"
#include "pipeline/decode/ppp.h"

namespace tapmeter::decode {

namespace {

constexpr std::size_t family_octets = 4;
constexpr std::uint32_t family_ipv4 = 2;  // AF_INET, the same everywhere
constexpr std::uint32_t swap_above = 0xffff;

constexpr std::size_t sll_header_octets = 16;
constexpr std::size_t sll2_header_octets = 20;
constexpr std::uint16_t arphrd_netlink = 824;  // "protocol" is a netlink family, no ethertype
constexpr std::uint16_t sll_protocol_llc = 4;  // an 802.2 header follows

constexpr std::uint8_t ppp_address = 0xff;  // all stations, RFC 1662 §3.1
constexpr std::size_t ppp_address_and_control_octets = 2;
constexpr std::uint8_t c_hdlc_unicast = 0x0f;
constexpr std::uint8_t c_hdlc_multicast = 0x8f;
constexpr std::size_t c_hdlc_header_octets = 4;
constexpr std::uint16_t c_hdlc_slarp = 0x8035;  // Cisco's keepalives under RARP's number
constexpr std::uint16_t c_hdlc_osi = 0xfefe;    // the SAPs of ISO CLNS, where a type would stand

Decoded<Network> read_raw_ip(const Cursor& rest) noexcept {
    if (!rest.holds(1)) {
        return malformed(Undecoded::truncated);
    }
    const auto first = rest.peek<1>();
    switch (load_be8(first) >> 4U) {
        case 4:
            return Network::ipv4;
        case 6:
            return Network::ipv6;
        default:
            return malformed(Undecoded::bad_version);
    }
}

// AF_INET6 differs from system to system, and the file does not say which one wrote it.
constexpr bool is_ipv6_family(std::uint32_t family) noexcept {
    return family == 10 ||  // Linux
           family == 24 ||  // NetBSD, OpenBSD
           family == 26 ||  // illumos
           family == 28 ||  // FreeBSD
           family == 30;    // macOS
}

constexpr std::uint32_t swapped(std::uint32_t value) noexcept {
    return (value >> 24U) | ((value >> 8U) & 0xff00U) | ((value << 8U) & 0xff0000U) |
           (value << 24U);
}

// NULL and LOOP differ in byte order only. No family is above 16 bits, so a value that is must
// have been written by a host of the other order.
Decoded<Network> read_family(Cursor& rest) noexcept {
    if (!rest.holds(family_octets)) {
        return malformed(Undecoded::truncated);
    }
    const auto header = rest.take<family_octets>();
    std::uint32_t family = load_be32(header);
    if (family > swap_above) {
        family = swapped(family);
    }
    if (family == family_ipv4) {
        return Network::ipv4;
    }
    return is_ipv6_family(family) ? Network::ipv6 : Network::none;
}

Decoded<Network> read_sll_protocol(std::uint16_t device, std::uint16_t protocol, Cursor& rest,
                                   Headers& headers) noexcept {
    if (device == arphrd_netlink) {
        return Network::none;
    }
    if (protocol == sll_protocol_llc) {
        return read_llc(rest, headers);
    }
    if (protocol < ethertype_min) {  // Linux's own numbers, not lengths
        return Network::none;
    }
    return read_ethertype(protocol, rest, headers);
}

Decoded<Network> read_sll(Cursor& rest, Headers& headers) noexcept {
    if (!rest.holds(sll_header_octets)) {
        return malformed(Undecoded::truncated);
    }
    const auto header = rest.take<sll_header_octets>();
    return read_sll_protocol(load_be16(header.subspan<2, 2>()), load_be16(header.subspan<14, 2>()),
                             rest, headers);
}

Decoded<Network> read_sll2(Cursor& rest, Headers& headers) noexcept {
    if (!rest.holds(sll2_header_octets)) {
        return malformed(Undecoded::truncated);
    }
    const auto header = rest.take<sll2_header_octets>();
    return read_sll_protocol(load_be16(header.subspan<8, 2>()), load_be16(header.subspan<0, 2>()),
                             rest, headers);
}

Decoded<Network> read_c_hdlc(Cursor& rest, Headers& headers) noexcept {
    if (!rest.holds(c_hdlc_header_octets)) {
        return malformed(Undecoded::truncated);
    }
    const auto header = rest.take<c_hdlc_header_octets>();
    const std::uint16_t protocol = load_be16(header.last<2>());
    if (protocol == c_hdlc_slarp) {
        return Network::none;
    }
    if (protocol == c_hdlc_osi) {
        headers.non_ip = NonIp::llc;
        return Network::none;
    }
    if (protocol < ethertype_min) {
        return Network::none;
    }
    return read_ethertype(protocol, rest, headers);
}

// A serial link's capture may hold either framing; the first octet tells them apart, because no
// PPP protocol compresses to Cisco's two addresses.
Decoded<Network> read_serial(Cursor& rest, Headers& headers) noexcept {
    if (!rest.holds(1)) {
        return malformed(Undecoded::truncated);
    }
    const auto first = rest.peek<1>();
    const std::uint8_t address = load_be8(first);
    if (address == c_hdlc_unicast || address == c_hdlc_multicast) {
        return read_c_hdlc(rest, headers);
    }
    // Both sides may have agreed to leave address and control out (RFC 1661 §6.6); no protocol
    // compresses to the address.
    if (address == ppp_address) {
        if (!rest.holds(ppp_address_and_control_octets)) {
            return malformed(Undecoded::truncated);
        }
        rest.skip(ppp_address_and_control_octets);
    }
    return read_ppp(rest, headers);
}

}  // namespace

Decoded<Network> read_link(LinkType link, Cursor& rest, Headers& headers) noexcept {
    switch (link) {
        case LinkType::ethernet:
            return read_ethernet(rest, headers);
        case LinkType::raw_ip:
            return read_raw_ip(rest);
        case LinkType::null_loopback:
        case LinkType::loop:
            return read_family(rest);
        case LinkType::linux_sll:
            return read_sll(rest, headers);
        case LinkType::linux_sll2:
            return read_sll2(rest, headers);
        case LinkType::ppp:
            return read_serial(rest, headers);
        case LinkType::c_hdlc:
            return read_c_hdlc(rest, headers);
        case LinkType::unknown:
            break;
    }
    return malformed(Undecoded::unknown_link_type);
}

}  // namespace tapmeter::decode
