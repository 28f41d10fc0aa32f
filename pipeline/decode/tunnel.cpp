#include "pipeline/decode/tunnel.h"

#include "pipeline/decode/ethernet.h"
#include "pipeline/decode/ipv4.h"
#include "pipeline/decode/ipv6.h"
#include "pipeline/decode/plausible.h"
#include "pipeline/decode/transport.h"
#include "pipeline/decode/tunnel_gre.h"
#include "pipeline/decode/tunnel_l2tp.h"
#include "pipeline/decode/tunnel_udp.h"

namespace tapmeter::decode {

namespace {

constexpr std::uint8_t protocol_ipv4 = 4;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t protocol_ipv6 = 41;
constexpr std::uint8_t protocol_gre = 47;
constexpr std::uint8_t protocol_esp = 50;
constexpr std::uint8_t protocol_ether_ip = 97;
constexpr std::uint8_t protocol_l2tp = 115;
constexpr std::uint8_t protocol_mpls = 137;
constexpr std::uint8_t protocol_ethernet = 143;

constexpr std::size_t ether_ip_header_octets = 2;
constexpr std::uint16_t ether_ip_header = 0x3000;  // version 3, all else zero

TunnelRead read_ether_ip(Cursor& rest) noexcept {
    if (!rest.holds(ether_ip_header_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    if (load_be16(rest.take<ether_ip_header_octets>()) != ether_ip_header) {
        return stay_outside(NotEntered::implausible);
    }
    return TunnelHeader{.layer = {.kind = Encapsulation::ether_ip},
                        .ethertype = ethertype_bridged_ethernet};
}

// The tunnel header at `rest`; afterwards behind it. A function a tunnel that has one.
TunnelRead read_tunnel(Cursor& rest, const Headers& headers) noexcept {
    switch (headers.protocol) {
        case protocol_ipv4:
            return TunnelHeader{.layer = {.kind = Encapsulation::ip_in_ip},
                                .ethertype = ethertype_ipv4};
        case protocol_ipv6:
            return TunnelHeader{.layer = {.kind = Encapsulation::ipv6_in_ip},
                                .ethertype = ethertype_ipv6};
        case protocol_gre:
            return read_gre(rest);
        case protocol_esp:
            return stay_outside(NotEntered::encrypted);
        case protocol_ether_ip:
            return read_ether_ip(rest);
        case protocol_l2tp:
            return read_l2tp_over_ip(rest);
        case protocol_mpls:
            return TunnelHeader{.layer = {.kind = Encapsulation::mpls_in_ip},
                                .ethertype = ethertype_mpls_unicast};
        case protocol_ethernet:
            return TunnelHeader{.layer = {.kind = Encapsulation::ethernet_in_ip},
                                .ethertype = ethertype_bridged_ethernet};
        case protocol_udp:
            return read_udp_tunnel(rest, headers);
        default:
            return stay_outside(NotEntered::no_tunnel);
    }
}

constexpr NotEntered reason_of(Undecoded why) noexcept {
    return why == Undecoded::truncated ? NotEntered::truncated : NotEntered::malformed;
}

// What headers inside a tunnel begin with: what the layers outside said of more than themselves.
Headers inside_of(const Headers& outside, const TunnelHeader& tunnel) noexcept {
    Headers inside;
    inside.vlan = outside.vlan;
    inside.customer_vlan = outside.customer_vlan;
    inside.encapsulations = outside.encapsulations;
    inside.encapsulations.add(tunnel.layer.kind);
    inside.mpls_stack = outside.mpls_stack;
    inside.mpls_labels = outside.mpls_labels;
    inside.pppoe_session = outside.pppoe_session;
    return inside;
}

// From the type that the tunnel names to the IP header, over at most one Ethernet header a layer
// of tunnels: a crafted stack of them ends here.
Decoded<Network> read_carried(std::uint16_t ethertype, Cursor& rest, Headers& headers) noexcept {
    auto network = read_ethertype(ethertype, rest, headers);
    for (unsigned frames = 0; network && *network == Network::ethernet; ++frames) {
        if (frames == tunnel_layers_max) {
            return Network::none;
        }
        headers.vlan = 0;
        headers.customer_vlan = 0;
        network = read_ethernet(rest, headers);
    }
    return network;
}

// Reads what a tunnel carries down to its transport header.
// returns  no_tunnel where that went well
NotEntered read_inside(const TunnelHeader& tunnel, Cursor& rest, Headers& headers) noexcept {
    const auto network = read_carried(tunnel.ethertype, rest, headers);
    if (!network) {
        return reason_of(network.error());
    }
    if (*network == Network::none) {
        return NotEntered::no_ip;
    }
    if (tunnel.guessed && !looks_like_ip(*network, rest)) {
        return NotEntered::implausible;
    }
    const auto ip = *network == Network::ipv4 ? read_ipv4(rest, headers) : read_ipv6(rest, headers);
    if (!ip) {
        return reason_of(ip.error());
    }
    const auto transport = read_transport(rest, headers);
    return transport ? NotEntered::no_tunnel : reason_of(transport.error());
}

// CAPWAP is known by its ports alone; what it carries is no Ethernet.
void note_recognised(Headers& headers) noexcept {
    const auto is_capwap = [](std::uint16_t port) noexcept {
        return port == port_capwap_control || port == port_capwap_data;
    };
    if (headers.protocol == protocol_udp &&
        (is_capwap(headers.destination_port) || is_capwap(headers.source_port))) {
        headers.encapsulations.add(Encapsulation::capwap);
    }
}

void note_outside(const Headers& outside, Tunnels& tunnels) noexcept {
    tunnels.source = outside.source;
    tunnels.destination = outside.destination;
    tunnels.ip_version = outside.ip_version;
    tunnels.type_of_service = outside.type_of_service;
    tunnels.vlan = outside.vlan;
    tunnels.customer_vlan = outside.customer_vlan;
}

void note_layer(const TunnelHeader& tunnel, Tunnels& tunnels) noexcept {
    tunnels.layer[tunnels.layers] = tunnel.layer;
    ++tunnels.layers;
    if (tunnel.numbered && !tunnels.numbered) {
        tunnels.numbered = true;
        tunnels.sequence = tunnel.sequence;
    }
}

}  // namespace

bool may_carry_tunnel(const Headers& headers) noexcept {
    switch (headers.protocol) {
        case protocol_udp:
            return is_tunnel_port(headers.destination_port) || is_tunnel_port(headers.source_port);
        case protocol_ipv4:
        case protocol_ipv6:
        case protocol_gre:
        case protocol_esp:
        case protocol_ether_ip:
        case protocol_l2tp:
        case protocol_mpls:
        case protocol_ethernet:
            return true;
        default:
            return false;
    }
}

void enter_tunnels(Cursor rest, Headers& headers, Tunnels& tunnels) noexcept {
    const Headers outermost = headers;
    while (may_carry_tunnel(headers)) {
        if (headers.fragment != Fragment::none) {
            tunnels.not_entered = NotEntered::fragment;
            return;
        }
        const auto tunnel = read_tunnel(rest, headers);
        if (!tunnel) {
            note_recognised(headers);
            tunnels.not_entered = tunnel.error();
            return;
        }
        if (tunnels.layers == tunnel_layers_max) {
            tunnels.not_entered = NotEntered::too_many_layers;
            tunnels.layers = 0;
            headers = outermost;
            return;
        }
        Headers inside = inside_of(headers, *tunnel);
        tunnels.not_entered = read_inside(*tunnel, rest, inside);
        if (tunnels.not_entered != NotEntered::no_tunnel) {
            headers.encapsulations.add(tunnel->layer.kind);
            return;
        }
        if (tunnels.layers == 0) {
            note_outside(outermost, tunnels);
        }
        note_layer(*tunnel, tunnels);
        headers = inside;
    }
}

}  // namespace tapmeter::decode
