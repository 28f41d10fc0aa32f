#include "pipeline/decode/tunnel_udp.h"

#include <array>

#include "pipeline/decode/ethernet.h"
#include "pipeline/decode/tunnel_gre.h"
#include "pipeline/decode/tunnel_gtp.h"
#include "pipeline/decode/tunnel_l2tp.h"

namespace tapmeter::decode {

namespace {

constexpr std::size_t udp_header_octets = 8;

constexpr std::size_t vxlan_header_octets = 8;
constexpr std::uint8_t vxlan_id_valid = 0x08;
constexpr std::uint8_t gpe_next_protocol = 0x04;
constexpr std::uint8_t gpe_version_mask = 0x30;

constexpr std::size_t geneve_header_octets = 8;
constexpr std::uint8_t geneve_version_mask = 0xc0;
constexpr std::uint8_t geneve_options_mask = 0x3f;  // words
constexpr std::size_t octets_per_word = 4;

constexpr std::size_t lisp_header_octets = 8;
constexpr std::uint8_t lisp_instance_flag = 0x08;
constexpr std::size_t lisp_control_octets = 4;
constexpr std::uint8_t lisp_encapsulated_message = 8;

constexpr std::size_t teredo_indicator_octets = 2;
constexpr std::uint16_t teredo_authentication = 0x0001;
constexpr std::uint16_t teredo_origin = 0x0000;
constexpr std::size_t teredo_authentication_octets = 13;  // and the two lengths that it holds
constexpr std::size_t teredo_origin_octets = 8;

// 24 bits and an octet behind them.
std::uint32_t network_id(std::span<const std::byte, 4> octets) noexcept {
    return load_be32(octets) >> 8U;
}

// IP of the version that the first octet names; nothing for any other.
std::uint16_t ip_ethertype(const Cursor& rest) noexcept {
    if (!rest.holds(1)) {
        return 0;
    }
    const std::uint8_t version = load_be8(rest.peek<1>()) >> 4U;
    return version == 4 ? ethertype_ipv4 : version == 6 ? ethertype_ipv6 : std::uint16_t{0};
}

TunnelRead read_vxlan(Cursor& rest) noexcept {
    if (!rest.holds(vxlan_header_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    const auto header = rest.take<vxlan_header_octets>();
    if ((load_be8(header.first<1>()) & vxlan_id_valid) == 0) {
        return stay_outside(NotEntered::implausible);
    }
    return TunnelHeader{.layer = {.kind = Encapsulation::vxlan, .id = network_id(header.last<4>())},
                        .ethertype = ethertype_bridged_ethernet,
                        .guessed = true};
}

// The numbers of VXLAN-GPE's next protocol field, from 1 on.
constexpr std::array gpe_ethertypes{ethertype_ipv4, ethertype_ipv6, ethertype_bridged_ethernet,
                                    ethertype_network_service, ethertype_mpls_unicast};

TunnelRead read_vxlan_gpe(Cursor& rest) noexcept {
    if (!rest.holds(vxlan_header_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    const auto header = rest.take<vxlan_header_octets>();
    const std::uint8_t flags = load_be8(header.first<1>());
    const std::size_t next = load_be8(header.subspan<3, 1>());
    const bool named = (flags & gpe_next_protocol) != 0;
    if ((flags & gpe_version_mask) != 0 || (named && (next == 0 || next > gpe_ethertypes.size()))) {
        return stay_outside(NotEntered::implausible);
    }
    const bool has_id = (flags & vxlan_id_valid) != 0;
    return TunnelHeader{.layer = {.kind = Encapsulation::vxlan_gpe,
                                  .id = has_id ? network_id(header.last<4>()) : 0},
                        .ethertype = named ? gpe_ethertypes[next - 1] : ethertype_bridged_ethernet,
                        .guessed = true};
}

TunnelRead read_geneve(Cursor& rest) noexcept {
    if (!rest.holds(geneve_header_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    const auto header = rest.take<geneve_header_octets>();
    const std::uint8_t first = load_be8(header.first<1>());
    const std::size_t options_octets = (first & geneve_options_mask) * octets_per_word;
    if ((first & geneve_version_mask) != 0) {
        return stay_outside(NotEntered::implausible);
    }
    if (!rest.holds(options_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    rest.skip(options_octets);
    return TunnelHeader{
        .layer = {.kind = Encapsulation::geneve, .id = network_id(header.last<4>())},
        .ethertype = load_be16(header.subspan<2, 2>()),
        .guessed = true};
}

TunnelRead read_lisp(Cursor& rest) noexcept {
    if (!rest.holds(lisp_header_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    const auto header = rest.take<lisp_header_octets>();
    const std::uint16_t ethertype = ip_ethertype(rest);
    if (ethertype == 0) {
        return stay_outside(NotEntered::implausible);
    }
    const bool has_instance = (load_be8(header.first<1>()) & lisp_instance_flag) != 0;
    return TunnelHeader{.layer = {.kind = Encapsulation::lisp,
                                  .id = has_instance ? network_id(header.last<4>()) : 0},
                        .ethertype = ethertype,
                        .guessed = true};
}

// Of the control messages one carries a packet: the encapsulated one, RFC 9301 §5.8.
TunnelRead read_lisp_control(Cursor& rest) noexcept {
    if (!rest.holds(lisp_control_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    const std::uint8_t first = load_be8(rest.take<lisp_control_octets>().first<1>());
    const std::uint16_t ethertype = ip_ethertype(rest);
    if (first >> 4U != lisp_encapsulated_message || ethertype == 0) {
        return stay_outside(NotEntered::no_ip);
    }
    return TunnelHeader{
        .layer = {.kind = Encapsulation::lisp}, .ethertype = ethertype, .guessed = true};
}

// Teredo's two optional headers, authentication before origin. False: cut.
bool skip_teredo_headers(Cursor& rest) noexcept {
    const auto begins_with = [&rest](std::uint16_t indicator) noexcept {
        return rest.holds(teredo_indicator_octets) &&
               load_be16(rest.peek<teredo_indicator_octets>()) == indicator;
    };
    if (begins_with(teredo_authentication)) {
        if (!rest.holds(teredo_authentication_octets)) {
            return false;
        }
        const auto header = rest.peek<teredo_authentication_octets>();
        const std::size_t octets = teredo_authentication_octets + load_be8(header.subspan<2, 1>()) +
                                   load_be8(header.subspan<3, 1>());
        if (!rest.holds(octets)) {
            return false;
        }
        rest.skip(octets);
    }
    if (begins_with(teredo_origin)) {
        if (!rest.holds(teredo_origin_octets)) {
            return false;
        }
        rest.skip(teredo_origin_octets);
    }
    return true;
}

TunnelRead read_teredo(Cursor& rest) noexcept {
    if (!skip_teredo_headers(rest)) {
        return stay_outside(NotEntered::truncated);
    }
    if (ip_ethertype(rest) != ethertype_ipv6) {
        return stay_outside(NotEntered::implausible);
    }
    return TunnelHeader{
        .layer = {.kind = Encapsulation::teredo}, .ethertype = ethertype_ipv6, .guessed = true};
}

TunnelRead read_gre_in_udp(Cursor& rest) noexcept {
    auto tunnel = read_gre(rest);
    if (tunnel) {
        tunnel->guessed = true;
        if (tunnel->layer.kind == Encapsulation::gre) {
            tunnel->layer.kind = Encapsulation::gre_in_udp;
        }
    }
    return tunnel;
}

TunnelRead read_mpls_in_udp() noexcept {
    return TunnelHeader{.layer = {.kind = Encapsulation::mpls_in_udp},
                        .ethertype = ethertype_mpls_unicast,
                        .guessed = true};
}

TunnelRead read_behind(std::uint16_t port, Cursor& rest) noexcept {
    switch (port) {
        case port_vxlan:
        case port_vxlan_linux:
            return read_vxlan(rest);
        case port_vxlan_gpe:
            return read_vxlan_gpe(rest);
        case port_geneve:
            return read_geneve(rest);
        case port_gtp_u:
            return read_gtp_u(rest);
        case port_lisp:
            return read_lisp(rest);
        case port_lisp_control:
            return read_lisp_control(rest);
        case port_teredo:
            return read_teredo(rest);
        case port_l2tp:
            return read_l2tp_over_udp(rest);
        case port_gre_in_udp:
            return read_gre_in_udp(rest);
        case port_mpls_in_udp:
            return read_mpls_in_udp();
        case port_capwap_control:
        case port_capwap_data:
            return stay_outside(NotEntered::no_ip);
        default:
            return stay_outside(NotEntered::no_tunnel);
    }
}

}  // namespace

TunnelRead read_udp_tunnel(Cursor& rest, const Headers& headers) noexcept {
    if (!rest.holds(udp_header_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    // The datagram may end before the packet; a length that cannot be true is ignored.
    const std::size_t length = load_be16(rest.take<udp_header_octets>().subspan<4, 2>());
    if (length >= udp_header_octets) {
        rest.cut_to(length - udp_header_octets);
    }
    const bool by_destination = is_tunnel_port(headers.destination_port);
    return read_behind(by_destination ? headers.destination_port : headers.source_port, rest);
}

}  // namespace tapmeter::decode
