#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tapmeter::decode {

// What may stand around the IP packet that is metered. A name is written once, here; metrics and
// records print it.
enum class Encapsulation : std::uint8_t {
    // Below IP: the frame has one IP header all the same.
    mpls,               // labels, RFC 3032
    pseudowire,         // Ethernet below labels, RFC 4448
    pppoe,              // RFC 2516
    service_header,     // NSH, RFC 8300
    provider_backbone,  // IEEE 802.1ah
    // Between two IP headers.
    gre,             // RFC 2784, RFC 2890
    nvgre,           // RFC 7637
    erspan_1,        // a mirrored frame in GRE; draft-foschiano-erspan
    erspan_2,        //
    erspan_3,        //
    pptp,            // GRE version 1, RFC 2637
    gre_in_udp,      // RFC 8086
    vxlan,           // RFC 7348
    vxlan_gpe,       // draft-ietf-nvo3-vxlan-gpe
    geneve,          // RFC 8926
    gtp_u,           // 3GPP TS 29.281
    lisp,            // RFC 9300
    ip_in_ip,        // IPv4 in IPv4 or IPv6, RFC 2003, RFC 2473
    ipv6_in_ip,      // IPv6 in IPv4 (6in4, RFC 4213) or IPv6
    teredo,          // RFC 4380
    l2tp_2,          // RFC 2661
    l2tp_3,          // RFC 3931
    ether_ip,        // RFC 3378
    ethernet_in_ip,  // RFC 8986 §10.1
    mpls_in_ip,      // RFC 4023
    mpls_in_udp,     // RFC 7510
    // Recognised, not entered.
    segment_routing,  // IPv6's segment routing header, RFC 8754: passed like other such headers
    authentication,   // AH, RFC 4302: passed
    esp,              // RFC 4303: what follows is encrypted
    capwap,           // RFC 5415: 802.11 frames
    count,
};
inline constexpr std::size_t encapsulation_kinds = static_cast<std::size_t>(Encapsulation::count);
inline constexpr std::array<std::string_view, encapsulation_kinds> encapsulation_names{
    "mpls",       "pseudowire",  "pppoe",   "nsh",     "pbb",     "gre",
    "nvgre",      "erspan1",     "erspan2", "erspan3", "pptp",    "gre_in_udp",
    "vxlan",      "vxlan_gpe",   "geneve",  "gtp_u",   "lisp",    "ip_in_ip",
    "ipv6_in_ip", "teredo",      "l2tp2",   "l2tp3",   "etherip", "ethernet_in_ip",
    "mpls_in_ip", "mpls_in_udp", "srv6",    "ah",      "esp",     "capwap"};

constexpr std::size_t index_of(Encapsulation kind) noexcept {
    return static_cast<std::size_t>(kind);
}

// A set of them: what one packet has passed.
struct Encapsulations {
    std::uint32_t bits = 0;

    constexpr void add(Encapsulation kind) noexcept { bits |= std::uint32_t{1} << index_of(kind); }
    constexpr bool has(Encapsulation kind) const noexcept {
        return ((bits >> index_of(kind)) & 1U) != 0;
    }
    constexpr bool operator==(const Encapsulations&) const = default;
};
static_assert(encapsulation_kinds <= 32);

}  // namespace tapmeter::decode
