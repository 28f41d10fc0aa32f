#include "pipeline/decode/tunnel_gtp.h"

#include "pipeline/decode/ethernet.h"

namespace tapmeter::decode {

namespace {

constexpr std::size_t gtp_header_octets = 8;
constexpr std::size_t optional_fields_octets = 4;  // sequence, N-PDU number, next extension header
constexpr std::size_t octets_per_unit = 4;         // in which an extension header counts
constexpr std::uint8_t version_and_type_mask = 0xf0;
constexpr std::uint8_t version_1_gtp = 0x30;  // and the protocol type bit: not GTP'
constexpr std::uint8_t optional_fields_mask = 0x07;
constexpr std::uint8_t extension_flag = 0x04;
constexpr std::uint8_t message_g_pdu = 255;

// Each header begins with its length and ends with the type of the next.
NotEntered skip_extension_headers(std::uint8_t next, Cursor& rest) noexcept {
    for (unsigned passed = 0; next != 0; ++passed) {
        if (passed == gtp_extension_headers_max) {
            return NotEntered::implausible;
        }
        if (!rest.holds(1)) {
            return NotEntered::truncated;
        }
        const std::size_t octets = load_be8(rest.peek<1>()) * octets_per_unit;
        if (octets == 0) {
            return NotEntered::implausible;
        }
        if (!rest.holds(octets)) {
            return NotEntered::truncated;
        }
        rest.skip(octets - 1);
        next = load_be8(rest.take<1>());
    }
    return NotEntered::no_tunnel;
}

NotEntered skip_optional_fields(std::uint8_t flags, Cursor& rest) noexcept {
    if ((flags & optional_fields_mask) == 0) {
        return NotEntered::no_tunnel;
    }
    if (!rest.holds(optional_fields_octets)) {
        return NotEntered::truncated;
    }
    const std::uint8_t next = load_be8(rest.take<optional_fields_octets>().last<1>());
    return (flags & extension_flag) != 0 ? skip_extension_headers(next, rest)
                                         : NotEntered::no_tunnel;
}

}  // namespace

TunnelRead read_gtp_u(Cursor& rest) noexcept {
    if (!rest.holds(gtp_header_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    const auto header = rest.take<gtp_header_octets>();
    const std::uint8_t flags = load_be8(header.subspan<0, 1>());
    if ((flags & version_and_type_mask) != version_1_gtp) {
        return stay_outside(NotEntered::implausible);
    }
    if (load_be8(header.subspan<1, 1>()) != message_g_pdu) {
        return stay_outside(NotEntered::no_ip);
    }
    rest.cut_to(load_be16(header.subspan<2, 2>()));
    if (const auto why = skip_optional_fields(flags, rest); why != NotEntered::no_tunnel) {
        return stay_outside(why);
    }
    if (!rest.holds(1)) {
        return stay_outside(NotEntered::no_ip);
    }
    const std::uint8_t version = load_be8(rest.peek<1>()) >> 4U;
    if (version != 4 && version != 6) {
        return stay_outside(NotEntered::no_ip);
    }
    return TunnelHeader{
        .layer = {.kind = Encapsulation::gtp_u, .id = load_be32(header.subspan<4, 4>())},
        .ethertype = version == 4 ? ethertype_ipv4 : ethertype_ipv6,
        .guessed = true};
}

}  // namespace tapmeter::decode
