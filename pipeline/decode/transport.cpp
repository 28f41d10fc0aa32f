#include "pipeline/decode/transport.h"

#include <algorithm>

namespace tapmeter::decode {

namespace {

constexpr std::uint8_t protocol_icmp = 1;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t protocol_dccp = 33;
constexpr std::uint8_t protocol_esp = 50;
constexpr std::uint8_t protocol_icmpv6 = 58;
constexpr std::uint8_t protocol_sctp = 132;
constexpr std::uint8_t protocol_udp_lite = 136;

constexpr std::size_t ports_octets = 4;  // TCP, UDP, UDP-Lite, DCCP and SCTP all begin with them
constexpr std::size_t octets_per_word = 4;
constexpr std::size_t tcp_header_octets_min = 20;
constexpr std::size_t tcp_control_bits_end = 14;
constexpr std::uint16_t tcp_control_bits_mask = 0x0fff;  // RFC 9565 §3: all behind Data Offset
constexpr std::size_t udp_header_octets = 8;
constexpr std::size_t dccp_header_octets_min = 12;
constexpr std::size_t dccp_data_offset_end = 5;
constexpr std::size_t sctp_header_octets = 12;
constexpr std::size_t security_index_octets = 4;
constexpr std::size_t icmp_type_and_code_octets = 2;
constexpr std::size_t icmp_header_octets = 8;    // RFC 792: four octets of every type's own
constexpr std::size_t icmpv6_header_octets = 4;  // RFC 4443 §2.1: then the message body

// What is left behind `octets` of header; nothing where the header goes on past the packet.
Bytes behind(Bytes packet, std::size_t octets) noexcept {
    return packet.subspan(std::min(octets, packet.size()));
}

Decoded<void> read_ports(Bytes packet, Headers& headers) noexcept {
    if (packet.size() < ports_octets) [[unlikely]] {
        return malformed(Undecoded::truncated);
    }
    const auto ports = packet.first<ports_octets>();
    headers.source_port = load_be16(ports.first<2>());
    headers.destination_port = load_be16(ports.last<2>());
    return {};
}

// Behind the ports of a TCP header.
void read_tcp(Bytes packet, Headers& headers) noexcept {
    if (packet.size() < tcp_control_bits_end) [[unlikely]] {
        return;
    }
    const std::uint16_t offset_and_bits = load_be16(packet.first<tcp_control_bits_end>().last<2>());
    headers.tcp_control_bits = offset_and_bits & tcp_control_bits_mask;
    const std::size_t header_octets = (offset_and_bits >> 12U) * octets_per_word;
    if (header_octets >= tcp_header_octets_min) [[likely]] {
        headers.payload = behind(packet, header_octets);
    }
}

void read_udp(Bytes packet, Headers& headers) noexcept {
    headers.payload = behind(packet, udp_header_octets);
    if (packet.size() < udp_header_octets) [[unlikely]] {
        return;
    }
    // The datagram may end before the IP packet does (RFC 9868 puts options there). 0 is a
    // jumbogram's length, and any other below 8 is a lie: all of it is payload then.
    const std::size_t length = load_be16(packet.first<udp_header_octets>().subspan<4, 2>());
    if (length >= udp_header_octets && length < packet.size()) {
        headers.payload = headers.payload.first(length - udp_header_octets);
    }
}

void read_dccp(Bytes packet, Headers& headers) noexcept {
    if (packet.size() < dccp_data_offset_end) {
        return;
    }
    const std::size_t header_octets =
        load_be8(packet.first<dccp_data_offset_end>().last<1>()) * octets_per_word;
    if (header_octets >= dccp_header_octets_min) {
        headers.payload = behind(packet, header_octets);
    }
}

Decoded<void> read_icmp(Bytes packet, std::size_t header_octets, Headers& headers) noexcept {
    if (packet.size() < icmp_type_and_code_octets) {
        return malformed(Undecoded::truncated);
    }
    const auto header = packet.first<icmp_type_and_code_octets>();
    headers.icmp_type = load_be8(header.first<1>());
    headers.icmp_code = load_be8(header.last<1>());
    headers.payload = behind(packet, header_octets);
    return {};
}

// All behind the SPI but the sequence number is encrypted: it stays payload whole.
void read_esp(Bytes packet, Headers& headers) noexcept {
    headers.encapsulations.add(Encapsulation::esp);
    headers.payload = packet;
    if (packet.size() >= security_index_octets) {
        headers.security_index = load_be32(packet.first<security_index_octets>());
    }
}

// Behind the ports: `read` cannot fail any more.
template <class Read>
Decoded<void> read_with_ports(Bytes packet, Headers& headers, Read read) noexcept {
    const auto ports = read_ports(packet, headers);
    if (ports) [[likely]] {
        read(packet, headers);
    }
    return ports;
}

}  // namespace

Decoded<void> read_transport(const Cursor& rest, Headers& headers) noexcept {
    const Bytes packet = rest.captured();
    headers.transport = packet;
    headers.transport_octets = static_cast<std::uint32_t>(rest.wire_octets());
    if (headers.fragment == Fragment::later) [[unlikely]] {
        headers.payload = packet;
        return {};
    }
    switch (headers.protocol) {
        case protocol_tcp:
            return read_with_ports(packet, headers, read_tcp);
        case protocol_udp:
            return read_with_ports(packet, headers, read_udp);
        case protocol_udp_lite:
            return read_with_ports(packet, headers, [](Bytes octets, Headers& to) {
                to.payload = behind(octets, udp_header_octets);
            });
        case protocol_dccp:
            return read_with_ports(packet, headers, read_dccp);
        case protocol_sctp:
            return read_with_ports(packet, headers, [](Bytes octets, Headers& to) {
                to.payload = behind(octets, sctp_header_octets);
            });
        case protocol_icmp:
            return read_icmp(packet, icmp_header_octets, headers);
        case protocol_icmpv6:
            return read_icmp(packet, icmpv6_header_octets, headers);
        case protocol_esp:
            read_esp(packet, headers);
            return {};
        default:
            headers.payload = packet;
            return {};
    }
}

}  // namespace tapmeter::decode
