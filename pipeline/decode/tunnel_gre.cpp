#include "pipeline/decode/tunnel_gre.h"

#include "pipeline/decode/ethernet.h"

namespace tapmeter::decode {

namespace {

constexpr std::size_t gre_header_octets = 4;
constexpr std::size_t field_octets = 4;  // checksum and reserved, key, sequence, acknowledgement
constexpr std::uint16_t checksum_present = 0x8000;
constexpr std::uint16_t routing_present = 0x4000;
constexpr std::uint16_t key_present = 0x2000;
constexpr std::uint16_t sequence_present = 0x1000;
constexpr std::uint16_t acknowledgement_present = 0x0080;  // version 1 only
constexpr std::uint16_t version_mask = 0x0007;

constexpr std::uint16_t type_erspan = 0x88be;  // types I and II
constexpr std::uint16_t type_erspan_3 = 0x22eb;
constexpr std::uint16_t type_cache_redirect = 0x883e;  // WCCP
constexpr std::size_t cache_redirect_octets = 4;

constexpr std::size_t erspan_2_octets = 8;
constexpr std::size_t erspan_3_octets = 12;
constexpr std::size_t erspan_subheader_octets = 8;
constexpr std::uint8_t erspan_2_version = 1;
constexpr std::uint8_t erspan_3_version = 2;
constexpr std::uint16_t erspan_session_mask = 0x03ff;
constexpr unsigned erspan_frame_type_shift = 10;  // in the last 16 bits of type III's header
constexpr std::uint16_t erspan_frame_type_mask = 0x1f;
constexpr std::uint16_t erspan_frame_ethernet = 0;
constexpr std::uint16_t erspan_frame_ip = 2;
constexpr std::uint16_t erspan_subheader_present = 0x0001;

struct Fields {
    std::uint16_t flags = 0;
    std::uint16_t type = 0;
    std::uint32_t key = 0;
    std::uint32_t sequence = 0;

    bool has(std::uint16_t flag) const noexcept { return (flags & flag) != 0; }
};

// The optional words behind the first, each there if its flag is set.
bool read_field(bool present, Cursor& rest, std::uint32_t& to) noexcept {
    if (!present) {
        return true;
    }
    if (!rest.holds(field_octets)) {
        return false;
    }
    to = load_be32(rest.take<field_octets>());
    return true;
}

// A stack of type I has no header of its own: GRE without a sequence number tells it.
TunnelRead read_erspan_2(const Fields& gre, Cursor& rest) noexcept {
    TunnelHeader tunnel{.layer = {.kind = Encapsulation::erspan_1},
                        .ethertype = ethertype_bridged_ethernet};
    if (!gre.has(sequence_present)) {
        return tunnel;
    }
    if (!rest.holds(erspan_2_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    const auto header = rest.take<erspan_2_octets>();
    if (load_be8(header.subspan<0, 1>()) >> 4U != erspan_2_version) {
        return stay_outside(NotEntered::implausible);
    }
    tunnel.layer = {
        .kind = Encapsulation::erspan_2,
        .id = static_cast<std::uint32_t>(load_be16(header.subspan<2, 2>()) & erspan_session_mask)};
    return tunnel;
}

TunnelRead read_erspan_3(Cursor& rest) noexcept {
    if (!rest.holds(erspan_3_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    const auto header = rest.take<erspan_3_octets>();
    const std::uint16_t flags = load_be16(header.subspan<10, 2>());
    const std::uint16_t frame_type = (flags >> erspan_frame_type_shift) & erspan_frame_type_mask;
    if (load_be8(header.subspan<0, 1>()) >> 4U != erspan_3_version ||
        (frame_type != erspan_frame_ethernet && frame_type != erspan_frame_ip)) {
        return stay_outside(NotEntered::implausible);
    }
    if ((flags & erspan_subheader_present) != 0) {
        if (!rest.holds(erspan_subheader_octets)) {
            return stay_outside(NotEntered::truncated);
        }
        rest.skip(erspan_subheader_octets);
    }
    const auto session =
        static_cast<std::uint32_t>(load_be16(header.subspan<2, 2>()) & erspan_session_mask);
    TunnelHeader tunnel{.layer = {.kind = Encapsulation::erspan_3, .id = session},
                        .ethertype = ethertype_bridged_ethernet};
    if (frame_type == erspan_frame_ip) {
        const bool six = rest.holds(1) && load_be8(rest.peek<1>()) >> 4U == 6;
        tunnel.ethertype = six ? ethertype_ipv6 : ethertype_ipv4;
    }
    return tunnel;
}

// Version 2 puts four octets in front of the packet, version 1 none.
TunnelRead read_cache_redirect(const Fields& gre, Cursor& rest) noexcept {
    if (rest.holds(cache_redirect_octets) && load_be8(rest.peek<1>()) >> 4U != 4) {
        rest.skip(cache_redirect_octets);
    }
    return TunnelHeader{.layer = {.kind = Encapsulation::gre, .id = gre.key},
                        .ethertype = ethertype_ipv4};
}

TunnelRead read_carried(const Fields& gre, Cursor& rest) noexcept {
    switch (gre.type) {
        case type_erspan:
            return read_erspan_2(gre, rest);
        case type_erspan_3:
            return read_erspan_3(rest);
        case type_cache_redirect:
            return read_cache_redirect(gre, rest);
        default:
            break;
    }
    constexpr std::uint16_t nvgre_flags = checksum_present | key_present | sequence_present;
    const bool nvgre =
        gre.type == ethertype_bridged_ethernet && (gre.flags & nvgre_flags) == key_present;
    if (nvgre) {
        return TunnelHeader{.layer = {.kind = Encapsulation::nvgre, .id = gre.key >> 8U},
                            .ethertype = gre.type};
    }
    return TunnelHeader{.layer = {.kind = Encapsulation::gre, .id = gre.key},
                        .ethertype = gre.type};
}

// The key is the octets of payload and the call.
TunnelRead read_pptp(const Fields& gre, Cursor& rest) noexcept {
    std::uint32_t acknowledgement = 0;
    if (!read_field(gre.has(acknowledgement_present), rest, acknowledgement)) {
        return stay_outside(NotEntered::truncated);
    }
    const std::uint32_t payload_octets = gre.key >> 16U;
    if (gre.type != ethertype_ppp || !gre.has(key_present)) {
        return stay_outside(NotEntered::implausible);
    }
    if (payload_octets == 0) {
        return stay_outside(NotEntered::no_ip);
    }
    rest.cut_to(payload_octets);
    return TunnelHeader{.layer = {.kind = Encapsulation::pptp, .id = gre.key & 0xffffU},
                        .ethertype = ethertype_ppp};
}

}  // namespace

TunnelRead read_gre(Cursor& rest) noexcept {
    if (!rest.holds(gre_header_octets)) {
        return stay_outside(NotEntered::truncated);
    }
    const auto header = rest.take<gre_header_octets>();
    Fields gre{.flags = load_be16(header.first<2>()), .type = load_be16(header.last<2>())};
    const unsigned version = gre.flags & version_mask;
    if (version > 1 || gre.has(routing_present)) {
        return stay_outside(NotEntered::implausible);
    }
    std::uint32_t checksum = 0;
    if (!read_field(gre.has(checksum_present), rest, checksum) ||
        !read_field(gre.has(key_present), rest, gre.key) ||
        !read_field(gre.has(sequence_present), rest, gre.sequence)) {
        return stay_outside(NotEntered::truncated);
    }
    auto tunnel = version == 1 ? read_pptp(gre, rest) : read_carried(gre, rest);
    if (tunnel && gre.has(sequence_present)) {
        tunnel->numbered = true;
        tunnel->sequence = gre.sequence;
    }
    return tunnel;
}

}  // namespace tapmeter::decode
