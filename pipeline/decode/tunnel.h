#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <tl/expected.hpp>

#include "pipeline/decode/cursor.h"
#include "pipeline/decode/encapsulation.h"
#include "pipeline/decode/headers.h"

namespace tapmeter::decode {

// More layers of tunnels than this are no network's; nobody may buy time with them.
inline constexpr unsigned tunnel_layers_max = 4;

// Why a packet is metered by a header that has a tunnel behind it.
enum class NotEntered : std::uint8_t {
    no_tunnel,        // it has none; not counted
    truncated,        // the tunnel's header, or a header behind it, is cut
    malformed,        // a header behind the tunnel's lies about itself
    implausible,      // what stands behind a port or protocol number is not what it stands for
    no_ip,            // the tunnel's own messages, or a frame that carries no IP
    fragment,         // of the outer packet: the rest of it could not be told where it belongs
    encrypted,        // ESP
    too_many_layers,  // more than tunnel_layers_max: the outermost header is metered
    count,
};
inline constexpr std::size_t not_entered_reasons = static_cast<std::size_t>(NotEntered::count);
inline constexpr std::array<std::string_view, not_entered_reasons> not_entered_names{
    "no_tunnel", "truncated", "malformed", "implausible",
    "no_ip",     "fragment",  "encrypted", "too_many_layers"};

constexpr std::size_t index_of(NotEntered why) noexcept {
    return static_cast<std::size_t>(why);
}

// One tunnel around a packet.
struct TunnelLayer {
    Encapsulation kind{};
    // Its number where it has one: GRE key, NVGRE VSID, ERSPAN session, PPTP call, VNI, TEID,
    // L2TP session (version 2: tunnel in the upper 16 bits). Else 0.
    std::uint32_t id = 0;
};

// A tunnel's header, read. The protocol that it carries is an ethertype, whatever the tunnel calls
// it, 0x6558 for a whole Ethernet frame.
struct TunnelHeader {
    TunnelLayer layer{};
    std::uint16_t ethertype = 0;
    bool guessed = false;  // from a port or the look of the octets: what is inside must look right
    bool numbered = false;
    std::uint32_t sequence = 0;  // where `numbered`: GRE's sequence number
};
using TunnelRead = tl::expected<TunnelHeader, NotEntered>;

constexpr tl::unexpected<NotEntered> stay_outside(NotEntered why) noexcept {
    return tl::unexpected<NotEntered>(why);
}

// The tunnels around the packet that is metered, and the IP header outside of them all. Members
// behind `layers` are meant only as far as it says, so that it need not be written for each packet.
struct Tunnels {
    std::uint8_t layers = 0;                         // entered; 0: the outermost header is metered
    NotEntered not_entered = NotEntered::no_tunnel;  // why not this one or one more
    bool numbered = false;
    std::uint32_t sequence = 0;  // of the outermost tunnel that is `numbered`
    std::array<TunnelLayer, tunnel_layers_max> layer{};  // from the outside in
    Address source{};                                    // of the outermost IP header
    Address destination{};
    std::uint8_t ip_version = 0;
    std::uint8_t type_of_service = 0;
    std::uint16_t vlan = 0;  // of the frame outside
    std::uint16_t customer_vlan = 0;
};

// UDP ports that a tunnel may stand behind, either side; what follows must look like it.
inline constexpr std::uint16_t port_l2tp = 1701;
inline constexpr std::uint16_t port_gtp_u = 2152;
inline constexpr std::uint16_t port_teredo = 3544;
inline constexpr std::uint16_t port_lisp = 4341;
inline constexpr std::uint16_t port_lisp_control = 4342;
inline constexpr std::uint16_t port_gre_in_udp = 4754;
inline constexpr std::uint16_t port_vxlan = 4789;
inline constexpr std::uint16_t port_vxlan_gpe = 4790;
inline constexpr std::uint16_t port_capwap_control = 5246;
inline constexpr std::uint16_t port_capwap_data = 5247;
inline constexpr std::uint16_t port_geneve = 6081;
inline constexpr std::uint16_t port_mpls_in_udp = 6635;
inline constexpr std::uint16_t port_vxlan_linux = 8472;  // before IANA gave one

constexpr bool is_tunnel_port(std::uint16_t port) noexcept {
    // Nearly every port of nearly all traffic ends at the first comparison.
    if (port < port_l2tp || port > port_vxlan_linux) [[likely]] {
        return false;
    }
    switch (port) {
        case port_l2tp:
        case port_gtp_u:
        case port_teredo:
        case port_lisp:
        case port_lisp_control:
        case port_gre_in_udp:
        case port_vxlan:
        case port_vxlan_gpe:
        case port_capwap_control:
        case port_capwap_data:
        case port_geneve:
        case port_mpls_in_udp:
        case port_vxlan_linux:
            return true;
        default:
            return false;
    }
}

// False: no tunnel stands behind these headers, whatever the octets are.
bool may_carry_tunnel(const Headers& headers) noexcept;

// Goes on from an IP packet into the packets that tunnels carry in it, as far as they can be read:
// at most tunnel_layers_max layers. Nothing that stands inside can make the packet undecoded.
//
// rest     at the transport header of the packet that `headers` speak of
// headers  become those of the innermost IP packet; VLAN ids those of the innermost Ethernet
//          header, labels and PPPoE session stay the outermost, encapsulations are of all layers
// tunnels  what was passed; layers 0 where `headers` stay as they were
void enter_tunnels(Cursor rest, Headers& headers, Tunnels& tunnels) noexcept;

}  // namespace tapmeter::decode
