#include "pipeline/decode/tunnel_l2tp.h"

#include <array>

#include "pipeline/decode/ethernet.h"
#include "pipeline/decode/plausible.h"

namespace tapmeter::decode {

namespace {

constexpr std::uint16_t control_flag = 0x8000;
constexpr std::uint16_t length_flag = 0x4000;
constexpr std::uint16_t sequence_flag = 0x0800;
constexpr std::uint16_t offset_flag = 0x0200;
constexpr std::uint16_t version_mask = 0x000f;
constexpr std::uint16_t version_2 = 2;
constexpr std::uint16_t version_3 = 3;

constexpr std::size_t flags_octets = 2;
constexpr std::size_t reserved_octets = 2;
constexpr std::size_t session_octets = 4;
constexpr std::size_t field_octets = 2;

// Cookies have 0, 4 or 8 octets, the default sublayer has 4 or is not there.
constexpr std::array<std::size_t, 4> places{0, 4, 8, 12};

constexpr std::size_t ppp_head_octets = 4;
constexpr std::uint32_t ppp_ipv4 = 0xff03'0021;
constexpr std::uint32_t ppp_ipv6 = 0xff03'0057;

// The next 16 bits where `present`, else 0. False: cut.
bool read_field(bool present, Cursor& rest, std::size_t& to) noexcept {
    if (!present) {
        return true;
    }
    if (!rest.holds(field_octets)) {
        return false;
    }
    to = load_be16(rest.take<field_octets>());
    return true;
}

// rest  behind the flags
TunnelRead read_version_2(std::uint16_t flags, Cursor& rest) noexcept {
    std::size_t length = 0;
    if (!read_field((flags & length_flag) != 0, rest, length) || !rest.holds(session_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    const std::uint32_t id = load_be32(rest.take<session_octets>());
    std::size_t sequence = 0;
    std::size_t offset = 0;
    if (!read_field((flags & sequence_flag) != 0, rest, sequence) ||
        !read_field((flags & sequence_flag) != 0, rest, sequence) ||
        !read_field((flags & offset_flag) != 0, rest, offset) || !rest.holds(offset)) {
        return stay_outside(NotEntered::truncated);
    }
    rest.skip(offset);
    return TunnelHeader{.layer = {.kind = Encapsulation::l2tp_2, .id = id},
                        .ethertype = ethertype_ppp,
                        .guessed = true};
}

// The type of what begins at `rest`; 0 where it looks like nothing.
std::uint16_t carried_at(const Cursor& rest) noexcept {
    if (looks_like_ethernet(rest)) {
        return ethertype_bridged_ethernet;
    }
    if (rest.holds(ppp_head_octets)) {
        const std::uint32_t head = load_be32(rest.peek<ppp_head_octets>());
        if (head == ppp_ipv4 || head == ppp_ipv6) {
            return ethertype_ppp;
        }
    }
    if (looks_like_ip(Network::ipv4, rest)) {
        return ethertype_ipv4;
    }
    return looks_like_ip(Network::ipv6, rest) ? ethertype_ipv6 : std::uint16_t{0};
}

// rest  at the session id, which is not 0
TunnelRead read_version_3(Cursor& rest) noexcept {
    const std::uint32_t session = load_be32(rest.take<session_octets>());
    for (const std::size_t place : places) {
        Cursor carried = rest;
        if (!carried.holds(place)) {
            break;
        }
        carried.skip(place);
        if (const std::uint16_t ethertype = carried_at(carried); ethertype != 0) {
            rest = carried;
            return TunnelHeader{.layer = {.kind = Encapsulation::l2tp_3, .id = session},
                                .ethertype = ethertype,
                                .guessed = true};
        }
    }
    return stay_outside(NotEntered::implausible);
}

}  // namespace

TunnelRead read_l2tp_over_udp(Cursor& rest) noexcept {
    if (!rest.holds(flags_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    const std::uint16_t flags = load_be16(rest.take<flags_octets>());
    const std::uint16_t version = flags & version_mask;
    if (version != version_2 && version != version_3) {
        return stay_outside(NotEntered::implausible);
    }
    if ((flags & control_flag) != 0) {
        return stay_outside(NotEntered::no_ip);
    }
    if (version == version_2) {
        return read_version_2(flags, rest);
    }
    if (!rest.holds(reserved_octets + session_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    rest.skip(reserved_octets);
    return read_version_3(rest);
}

TunnelRead read_l2tp_over_ip(Cursor& rest) noexcept {
    if (!rest.holds(session_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    if (load_be32(rest.peek<session_octets>()) == 0) {
        return stay_outside(NotEntered::no_ip);
    }
    return read_version_3(rest);
}

}  // namespace tapmeter::decode
