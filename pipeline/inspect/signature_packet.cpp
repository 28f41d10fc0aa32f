#include "pipeline/inspect/signature_packet.h"

#include <algorithm>

namespace tapmeter::inspect {

namespace {

using rules::Buffer;
using rules::Field;

constexpr std::uint8_t protocol_icmp = 1;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t protocol_icmpv6 = 58;
constexpr std::size_t ipv4_octets_min = 20;
constexpr std::size_t ipv6_octets = 40;
constexpr std::size_t tcp_octets_min = 20;
constexpr std::size_t udp_octets = 8;
constexpr std::size_t icmp_octets = 8;
constexpr unsigned extensions_max = 8;  // as decode::extension_headers_max
constexpr std::uint8_t option_end = 0;
constexpr std::uint8_t option_none = 1;
constexpr std::uint8_t packet_too_big = 2;  // ICMPv6 (RFC 4443 section 3.2)

std::uint8_t octet_at(Bytes octets, std::size_t at) noexcept {
    return std::to_integer<std::uint8_t>(octets[at]);
}

std::optional<std::uint64_t> number_at(Bytes octets, std::size_t at, std::size_t size) noexcept {
    if (octets.size() < at + size) {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    for (const std::byte octet : octets.subspan(at, size)) {
        number = (number << 8U) | std::to_integer<std::uint64_t>(octet);
    }
    return number;
}

bool is_extension(std::uint8_t next_header) noexcept {
    // Hop-by-hop, routing, fragment, destination options, mobility, HIP, shim6 (IANA registry).
    constexpr std::array<std::uint8_t, 7> extensions{0, 43, 44, 60, 135, 139, 140};
    return std::ranges::find(extensions, next_header) != extensions.end();
}

// What follows the IPv6 header and its extensions; empty where they break off.
Bytes behind_extensions(Bytes packet) noexcept {
    constexpr std::uint8_t fragment_header = 44;
    std::uint8_t next = octet_at(packet, 6);
    Bytes rest = packet.subspan(ipv6_octets);
    for (unsigned i = 0; i < extensions_max && is_extension(next); ++i) {
        if (rest.size() < 8) {
            return {};
        }
        const std::size_t octets =
            next == fragment_header ? 8 : (std::size_t{octet_at(rest, 1)} + 1) * 8;
        next = octet_at(rest, 0);
        if (octets > rest.size()) {
            return {};
        }
        rest = rest.subspan(octets);
    }
    return rest;
}

bool has_option(Bytes ipv4, std::uint8_t wanted) noexcept {
    Bytes options = ipv4.size() > ipv4_octets_min ? ipv4.subspan(ipv4_octets_min) : Bytes{};
    if (wanted == rules::OptionTest::any_option) {
        return !options.empty();
    }
    while (!options.empty()) {  // at most 40 octets
        const std::uint8_t type = octet_at(options, 0);
        if (type == wanted) {
            return true;
        }
        if (type == option_end) {
            return false;
        }
        const std::size_t octets = type == option_none  ? 1
                                   : options.size() > 1 ? octet_at(options, 1)
                                                        : std::size_t{0};
        if (octets == 0 || octets > options.size()) {
            return false;
        }
        options = options.subspan(octets);
    }
    return false;
}

bool bits_meet(std::uint8_t bits, std::uint8_t wanted, rules::FlagsTest::Mode mode) noexcept {
    using enum rules::FlagsTest::Mode;
    switch (mode) {
        case all:
            return (bits & wanted) == wanted;
        case any:
            return (bits & wanted) != 0;
        case not_all:
            return (bits & wanted) != wanted;
        case exact:
            break;
    }
    return bits == wanted;
}

bool fragment_meets(const rules::FragmentTest& test, Bytes ipv4) noexcept {
    const auto bits_of = [](bool reserved, bool dont, bool more) {
        return static_cast<std::uint8_t>((reserved ? 4U : 0U) | (dont ? 2U : 0U) |
                                         (more ? 1U : 0U));
    };
    const auto bits = static_cast<std::uint8_t>(octet_at(ipv4, 6) >> 5U);
    return bits_meet(bits, bits_of(test.reserved, test.dont_fragment, test.more_fragments),
                     test.mode);
}

bool is_icmp(const decode::Headers& headers) noexcept {
    return headers.protocol == protocol_icmp || headers.protocol == protocol_icmpv6;
}

// Messages that are asked and answered have an identifier and a sequence number: echo, timestamp,
// information, address mask (RFC 792, RFC 950); echo alone in ICMPv6 (RFC 4443).
bool is_icmp_query(const decode::Headers& headers) noexcept {
    constexpr std::array<std::uint8_t, 8> queries{0, 8, 13, 14, 15, 16, 17, 18};
    constexpr std::uint8_t echo_request = 128;
    constexpr std::uint8_t echo_reply = 129;
    const std::uint8_t type = headers.icmp_type;
    return headers.protocol == protocol_icmpv6
               ? type == echo_request || type == echo_reply
               : headers.protocol == protocol_icmp &&
                     std::ranges::find(queries, type) != queries.end();
}

std::optional<std::uint64_t> only_if(bool has, std::uint64_t value) noexcept {
    return has ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> stream_value(Field field, const Inspected& packet) noexcept {
    const auto [client, server] = packet.stream_octets;
    switch (field) {
        case Field::stream_octets_client:
            return client;
        case Field::stream_octets_server:
            return server;
        default:
            return field == Field::stream_octets_both ? std::min(client, server)
                                                      : std::max(client, server);
    }
}

}  // namespace

PacketHeaders::PacketHeaders(const Inspected& packet) noexcept
    : version_(packet.headers.ip_version), protocol_(packet.headers.protocol) {
    const Bytes network = packet.network;
    Bytes rest;
    if (version_ == 4 && network.size() >= ipv4_octets_min) {
        const std::size_t octets = std::size_t{octet_at(network, 0) & 0x0FU} * 4;
        ip_ = network.first(std::clamp(octets, ipv4_octets_min, network.size()));
        rest = network.subspan(ip_.size());
    } else if (version_ == 6 && network.size() >= ipv6_octets) {
        ip_ = network.first(ipv6_octets);
        rest = behind_extensions(network);
    }
    if (packet.headers.fragment == decode::Fragment::later) {
        return;
    }
    if (protocol_ == protocol_tcp && rest.size() >= tcp_octets_min) {
        const std::size_t octets = std::size_t{octet_at(rest, 12)} / 16 * 4;
        transport_ = rest.first(std::clamp(octets, tcp_octets_min, rest.size()));
    } else if (protocol_ == protocol_udp && rest.size() >= udp_octets) {
        transport_ = rest.first(udp_octets);
    } else if (is_icmp(packet.headers)) {
        transport_ = rest;
    }
}

Bytes PacketHeaders::of(Buffer buffer) const noexcept {
    const auto only = [](bool has, Bytes octets) { return has ? octets : Bytes{}; };
    switch (buffer) {
        case Buffer::ipv4_header:
            return only(version_ == 4, ip_);
        case Buffer::ipv6_header:
            return only(version_ == 6, ip_);
        case Buffer::tcp_header:
            return only(protocol_ == protocol_tcp, transport_);
        case Buffer::udp_header:
            return only(protocol_ == protocol_udp, transport_);
        case Buffer::icmpv4_header:
            return only(protocol_ == protocol_icmp, transport_);
        case Buffer::icmpv6_header:
            return only(protocol_ == protocol_icmpv6, transport_);
        default:
            return {};
    }
}

std::optional<std::uint64_t> value_of(Field field, const Inspected& packet,
                                      const PacketHeaders& headers) noexcept {
    const decode::Headers& decoded = packet.headers;
    const Bytes transport = headers.transport();
    const bool tcp = decoded.protocol == protocol_tcp;
    const bool query = is_icmp_query(decoded) && transport.size() >= icmp_octets;
    switch (field) {
        case Field::payload_octets:
            return decoded.payload.size();
        case Field::time_to_live:
            return decoded.time_to_live;
        case Field::type_of_service:
            return decoded.type_of_service;
        case Field::ip_protocol:
            return decoded.protocol;
        case Field::ip_identification:
            return decoded.ip_version == 4 ? number_at(headers.ip(), 4, 2) : std::nullopt;
        case Field::tcp_sequence:
            return tcp ? number_at(transport, 4, 4) : std::nullopt;
        case Field::tcp_acknowledgement:
            return tcp ? number_at(transport, 8, 4) : std::nullopt;
        case Field::tcp_window:
            return tcp ? number_at(transport, 14, 2) : std::nullopt;
        case Field::icmp_type:
            return only_if(is_icmp(decoded), decoded.icmp_type);
        case Field::icmp_code:
            return only_if(is_icmp(decoded), decoded.icmp_code);
        case Field::icmp_identifier:
            return query ? number_at(transport, 4, 2) : std::nullopt;
        case Field::icmp_sequence:
            return query ? number_at(transport, 6, 2) : std::nullopt;
        case Field::icmpv6_mtu:
            return decoded.protocol == protocol_icmpv6 && decoded.icmp_type == packet_too_big
                       ? number_at(transport, 4, 4)
                       : std::nullopt;
        case Field::dns_opcode:
            // OPCODE is four bits behind QR (RFC 1035 section 4.1.1).
            return only_if(
                packet.application == rules::Application::dns && decoded.protocol == protocol_udp &&
                    decoded.payload.size() > 2,
                decoded.payload.size() > 2 ? (octet_at(decoded.payload, 2) >> 3U) & 0x0FU : 0U);
        default:
            return stream_value(field, packet);
    }
}

bool headers_meet(const rules::Rule& rule, const Inspected& packet,
                  const PacketHeaders& headers) noexcept {
    const decode::Headers& decoded = packet.headers;
    if (rule.flags) {
        const auto bits =
            static_cast<std::uint8_t>(decoded.tcp_control_bits & rule.flags->looked_at);
        if (decoded.protocol != protocol_tcp ||
            !bits_meet(bits, rule.flags->value, rule.flags->mode)) {
            return false;
        }
    }
    if (rule.same_ip && decoded.source != decoded.destination) {
        return false;
    }
    const bool has_ipv4 = decoded.ip_version == 4 && headers.ip().size() >= ipv4_octets_min;
    if (rule.ip_option && !(has_ipv4 && has_option(headers.ip(), rule.ip_option->type))) {
        return false;
    }
    if (rule.fragment_bits && !(has_ipv4 && fragment_meets(*rule.fragment_bits, headers.ip()))) {
        return false;
    }
    return std::ranges::all_of(rule.tests, [&](const rules::PacketTest& test) {
        const auto value = value_of(test.field, packet, headers);
        return value && test.bounds.admits(*value);
    });
}

}  // namespace tapmeter::inspect
