#include "pipeline/decode/ppp.h"

#include "pipeline/decode/mpls.h"

namespace tapmeter::decode {

namespace {

constexpr std::uint16_t protocol_ipv4 = 0x0021;
constexpr std::uint16_t protocol_ipv6 = 0x0057;
constexpr std::uint16_t protocol_mpls_unicast = 0x0281;
constexpr std::uint16_t protocol_mpls_multicast = 0x0283;

constexpr std::size_t address_and_control_octets = 2;
constexpr std::uint16_t address_and_control = 0xff03;  // all stations, unnumbered information

constexpr std::size_t pppoe_header_octets = 6;
constexpr std::uint8_t pppoe_version_and_type = 0x11;
constexpr std::uint8_t pppoe_code_session = 0;

// The low bit of an octet says whether the field ends with it.
Decoded<std::uint16_t> read_protocol(Cursor& rest) noexcept {
    if (!rest.holds(1)) {
        return malformed(Undecoded::truncated);
    }
    const auto first = rest.peek<1>();
    if (const std::uint8_t compressed = load_be8(first); (compressed & 1U) != 0) {
        rest.skip(1);
        return compressed;
    }
    if (!rest.holds(2)) {
        return malformed(Undecoded::truncated);
    }
    const auto whole = rest.take<2>();
    return load_be16(whole);
}

}  // namespace

Decoded<Network> read_ppp(Cursor& rest, Headers& headers) noexcept {
    const auto protocol = read_protocol(rest);
    if (!protocol) {
        return malformed(protocol.error());
    }
    switch (*protocol) {
        case protocol_ipv4:
            return Network::ipv4;
        case protocol_ipv6:
            return Network::ipv6;
        case protocol_mpls_unicast:
        case protocol_mpls_multicast:
            return read_mpls(rest, headers);
        default:
            return Network::none;
    }
}

Decoded<Network> read_ppp_frame(Cursor& rest, Headers& headers) noexcept {
    if (rest.holds(address_and_control_octets) &&
        load_be16(rest.peek<address_and_control_octets>()) == address_and_control) {
        rest.skip(address_and_control_octets);
    }
    return read_ppp(rest, headers);
}

Decoded<Network> read_pppoe_session(Cursor& rest, Headers& headers) noexcept {
    if (!rest.holds(pppoe_header_octets)) {
        return malformed(Undecoded::truncated);
    }
    const auto header = rest.take<pppoe_header_octets>();
    headers.non_ip = NonIp::pppoe;
    headers.encapsulations.add(Encapsulation::pppoe);
    if (headers.pppoe_session == 0) {
        headers.pppoe_session = load_be16(header.subspan<2, 2>());
    }
    if (load_be8(header.subspan<0, 1>()) != pppoe_version_and_type ||
        load_be8(header.subspan<1, 1>()) != pppoe_code_session) {
        return Network::none;
    }
    return read_ppp(rest, headers);
}

}  // namespace tapmeter::decode
