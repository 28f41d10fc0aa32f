#include "pipeline/filter/packet_filter.h"

#include "pipeline/decode/frame.h"

namespace tapmeter::filter {

namespace {

constexpr std::uint16_t ethertype_ipv4 = 0x0800;
constexpr std::uint16_t ethertype_ipv6 = 0x86dd;
constexpr std::uint16_t ethertype_mpls = 0x8847;
constexpr std::uint16_t ethertype_mpls_multicast = 0x8848;
constexpr std::uint16_t ethertype_pppoe_session = 0x8864;
constexpr std::size_t tag_octets = 4;
constexpr std::size_t label_octets = 4;
constexpr std::size_t pppoe_octets = 8;  // with the PPP protocol (RFC 2516 section 4)

// IEEE 802.1Q, 802.1ad, and QinQ before there was a standard.
constexpr bool is_tag(std::uint16_t type) noexcept {
    return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

// Where a link layer says what follows, and where that is.
struct Layout {
    std::uint32_t type_at = 0;
    std::uint32_t header_octets = 0;  // 0: no link layer that carries tags
};
constexpr Layout layout_of(LinkType link) noexcept {
    switch (link) {
        case LinkType::ethernet:
            return {12, 14};
        case LinkType::linux_sll:
            return {14, 16};
        case LinkType::linux_sll2:
            return {0, 20};
        default:
            return {};
    }
}

// Walks from the link header to the packet.
struct Walk {
    Bytes frame;
    std::size_t at = 0;
    std::uint16_t type = 0;

    bool holds(std::size_t octets) const noexcept { return at + octets <= frame.size(); }
    std::uint16_t half_at(std::size_t offset) const noexcept {
        return load_be16(frame.subspan(at + offset).first<2>());
    }

    void pass_tags() noexcept {
        for (unsigned tag = 0; tag < decode::vlan_tags_max && is_tag(type) && holds(tag_octets);
             ++tag) {
            type = half_at(2);
            at += tag_octets;
        }
    }

    // False: labels above something that is not IP, or cut off.
    bool pass_labels() noexcept {
        constexpr unsigned bottom_of_stack = 0x01;
        for (unsigned label = 0; label < decode::mpls_labels_max && holds(label_octets + 1);
             ++label) {
            const bool bottom = (std::to_integer<unsigned>(frame[at + 2]) & bottom_of_stack) != 0;
            at += label_octets;
            if (bottom) {
                const unsigned version = std::to_integer<unsigned>(frame[at]) >> 4U;
                type = version == 4 ? ethertype_ipv4 : ethertype_ipv6;
                return version == 4 || version == 6;
            }
        }
        return false;
    }

    bool pass_pppoe() noexcept {
        constexpr std::uint16_t ppp_ipv4 = 0x0021;
        constexpr std::uint16_t ppp_ipv6 = 0x0057;
        if (!holds(pppoe_octets)) {
            return false;
        }
        const std::uint16_t protocol = half_at(pppoe_octets - 2);
        at += pppoe_octets;
        type = protocol == ppp_ipv4 ? ethertype_ipv4 : ethertype_ipv6;
        return protocol == ppp_ipv4 || protocol == ppp_ipv6;
    }
};

}  // namespace

Sight without_tags(const Packet& packet) noexcept {
    Sight sight{.frame = packet.frame, .wire_octets = packet.wire_octets};
    const Layout layout = layout_of(packet.link);
    if (layout.header_octets == 0 || packet.frame.size() < layout.header_octets) {
        return sight;
    }
    Walk walk{.frame = packet.frame,
              .at = layout.header_octets,
              .type = load_be16(packet.frame.subspan(layout.type_at).first<2>())};
    walk.pass_tags();
    Walk further = walk;
    if (walk.type == ethertype_mpls || walk.type == ethertype_mpls_multicast) {
        walk = further.pass_labels() ? further : walk;
    } else if (walk.type == ethertype_pppoe_session) {
        walk = further.pass_pppoe() ? further : walk;
    }
    sight.cut = static_cast<std::uint32_t>(walk.at) - layout.header_octets;
    sight.header_octets = layout.header_octets;
    sight.type_at = layout.type_at;
    sight.type = {static_cast<std::byte>(walk.type >> 8U), static_cast<std::byte>(walk.type)};
    return sight;
}

bool PacketFilter::accepts(const Packet& packet) const noexcept {
    const auto link = static_cast<std::size_t>(packet.link);
    if (link >= programs.size()) {
        return false;
    }
    if (through_tags) {
        return programs[link].accepts(without_tags(packet));
    }
    return programs[link].accepts({.frame = packet.frame, .wire_octets = packet.wire_octets});
}

PacketFilters::Refused PacketFilters::sift(Burst& burst) const noexcept {
    Refused refused;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < burst.count; ++i) {
        const Packet& packet = burst.packets[i];
        if (!accepts(packet)) {
            ++refused.packets;
            refused.octets += packet.wire_octets;
            continue;
        }
        if (kept != i) {
            burst.packets[kept] = packet;
        }
        ++kept;
    }
    burst.count = kept;
    return refused;
}

}  // namespace tapmeter::filter
