#include "src/generator/conversation.h"

#include <algorithm>

#include "pipeline/base/expects.h"

namespace tapmeter::generator {

namespace {

constexpr std::uint8_t tcp_fin = 0x01;
constexpr std::uint8_t tcp_syn = 0x02;
constexpr std::uint8_t tcp_psh = 0x08;
constexpr std::uint8_t tcp_ack = 0x10;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::size_t ethernet_octets = 14;
constexpr std::size_t ipv4_octets = 20;
constexpr std::size_t tcp_octets = 20;
constexpr std::size_t udp_octets = 8;
constexpr std::size_t frame_octets_min = 60;  // Ethernet without FCS

constexpr unsigned handshake_segments = 3;
constexpr unsigned closing_segments = 3;

// Internet checksum (RFC 1071) of octets on top of a sum already begun.
std::uint32_t summed(Bytes octets, std::uint32_t sum) noexcept {
    for (std::size_t at = 0; at < octets.size(); ++at) {
        const auto octet = std::to_integer<std::uint32_t>(octets[at]);
        sum += at % 2 == 0 ? octet << 8U : octet;
    }
    return sum;
}
std::uint16_t checksum(std::uint32_t sum) noexcept {
    while (sum >> 16U != 0) {
        sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return static_cast<std::uint16_t>(~sum);
}

std::uint64_t stirred(std::uint64_t value) noexcept {  // SplitMix64's finaliser
    value = (value ^ (value >> 30U)) * 0xbf58'476d'1ce4'e5b9;
    value = (value ^ (value >> 27U)) * 0x94d0'49bb'1331'11eb;
    return value ^ (value >> 31U);
}

}  // namespace

Conversation::Conversation(std::uint64_t number) noexcept
    : number_(number),
      is_udp_(number % 4 == 3),
      is_ipv6_(number % 8 >= 6),
      data_segments_(static_cast<std::uint16_t>(2 + stirred(number + 1) % 24)),
      sequence_{static_cast<std::uint32_t>(stirred(number + 2)),
                static_cast<std::uint32_t>(stirred(number + 3))} {}

unsigned Conversation::packets() const noexcept {
    return is_udp_ ? 2 : handshake_segments + data_segments_ + closing_segments;
}

Conversation::Segment Conversation::segment() const noexcept {
    const auto random = stirred(number_ * 64 + written_);
    if (is_udp_) {
        return {
            .from_client = written_ == 0,
            .payload_octets = static_cast<std::uint16_t>(written_ == 0 ? 32 : 32 + random % 400)};
    }
    switch (written_) {
        case 0:
            return {.from_client = true, .tcp_control_bits = tcp_syn};
        case 1:
            return {.from_client = false, .tcp_control_bits = tcp_syn | tcp_ack};
        case 2:
            return {.from_client = true, .tcp_control_bits = tcp_ack};
        default:
            break;
    }
    const unsigned data = written_ - handshake_segments;
    if (data < data_segments_) {
        constexpr std::array<std::uint16_t, 4> sizes{64, 200, 536, 1440};
        const std::uint16_t payload = sizes[random % sizes.size()];
        return {.from_client = data % 3 == 0,
                .tcp_control_bits =
                    static_cast<std::uint8_t>(payload != 0 ? tcp_psh | tcp_ack : tcp_ack),
                .payload_octets = std::min<std::uint16_t>(payload, is_ipv6_ ? 1'400 : 1'440)};
    }
    const unsigned closing = data - data_segments_;
    return {
        .from_client = closing != 1,
        .tcp_control_bits = static_cast<std::uint8_t>(closing < 2 ? tcp_fin | tcp_ack : tcp_ack)};
}

std::size_t Conversation::next(std::span<std::byte, frame_octets_max> frame) noexcept {
    expects(!finished());
    const Segment now = segment();
    const std::size_t transport = (is_udp_ ? udp_octets : tcp_octets) + now.payload_octets;

    OctetWriter writer(frame);
    writer.be16(0x0200).be32(now.from_client ? 2U : 1U);
    writer.be16(0x0200).be32(now.from_client ? 1U : 2U);
    writer.be16(is_ipv6_ ? 0x86ddU : 0x0800U);
    const std::size_t address_octets = write_network(writer, frame, now, transport);
    const std::size_t transport_at = writer.written();
    write_transport(writer, now, transport);
    for (std::size_t at = writer.written(); at < transport_at + transport; ++at) {
        frame[at] = static_cast<std::byte>('a' + (at + number_) % 26);
    }
    // The pseudo header of both address families: addresses, protocol, transport octets.
    const std::uint16_t sum = checksum(
        summed(frame.subspan(transport_at - address_octets, address_octets + transport),
               static_cast<std::uint32_t>((is_udp_ ? protocol_udp : protocol_tcp) + transport)));
    OctetWriter(frame.subspan(transport_at + (is_udp_ ? 6 : 16)))
        .be16(is_udp_ && sum == 0 ? 0xffffU : sum);
    ++written_;
    const std::size_t octets = std::max(transport_at + transport, frame_octets_min);
    std::ranges::fill(frame.subspan(transport_at + transport, octets - transport_at - transport),
                      std::byte{0});
    return octets;
}

// Writes the IP header; returns how many octets its two addresses take, at its end.
std::size_t Conversation::write_network(OctetWriter& writer, std::span<std::byte> frame,
                                        const Segment& now, std::size_t transport) const noexcept {
    const std::uint8_t protocol = is_udp_ ? protocol_udp : protocol_tcp;
    if (is_ipv6_) {
        writer.be32(0x6000'0000U).be16(transport).be8(protocol).be8(64);
    } else {
        writer.be16(0x4500).be16(ipv4_octets + transport).be16(written_).be16(0x4000);
        writer.be8(64).be8(protocol).be16(0);
    }
    const std::size_t addresses_at = writer.written();
    write_addresses(writer, now.from_client);
    if (!is_ipv6_) {
        const auto sum = checksum(summed(frame.subspan(ethernet_octets, ipv4_octets), 0));
        OctetWriter(frame.subspan(ethernet_octets + 10)).be16(sum);
    }
    return writer.written() - addresses_at;
}

// Addresses for documentation and benchmarks: they are nobody's (RFC 2544, RFC 3849).
void Conversation::write_addresses(OctetWriter& writer, bool from_client) const noexcept {
    const std::uint64_t client = number_ & 0x1'ffffU;
    const std::uint64_t server = stirred(number_) % 64;
    if (is_ipv6_) {
        constexpr std::uint64_t prefix = 0x2001'0db8'0000'0000;
        writer.be64(prefix).be64(from_client ? client + 0x10000U : server + 1);
        writer.be64(prefix).be64(from_client ? server + 1 : client + 0x10000U);
        return;
    }
    const std::uint64_t client_address = 0xc612'0001U + (client >> 1U);  // 198.18.0.0/16
    const std::uint64_t server_address = 0xc613'0000U + server + 1;      // 198.19.0.0/16
    writer.be32(from_client ? client_address : server_address);
    writer.be32(from_client ? server_address : client_address);
}

void Conversation::write_transport(OctetWriter& writer, const Segment& now,
                                   std::size_t transport) noexcept {
    const std::uint64_t client_port = 1'024 + (number_ >> 1U) % 60'000;
    const std::uint64_t server_port = is_udp_ ? 53 : number_ % 2 == 0 ? 443 : 80;
    writer.be16(now.from_client ? client_port : server_port);
    writer.be16(now.from_client ? server_port : client_port);
    if (is_udp_) {
        writer.be16(transport).be16(0);
        return;
    }
    std::uint32_t& sequence = sequence_[now.from_client ? 0 : 1];
    const std::uint32_t acknowledged = sequence_[now.from_client ? 1 : 0];
    const bool counts_one = (now.tcp_control_bits & (tcp_syn | tcp_fin)) != 0;
    writer.be32(sequence).be32((now.tcp_control_bits & tcp_ack) != 0 ? acknowledged : 0);
    writer.be8(0x50).be8(now.tcp_control_bits).be16(0xfaf0).be16(0).be16(0);
    sequence += now.payload_octets + (counts_one ? 1U : 0U);
}

}  // namespace tapmeter::generator
