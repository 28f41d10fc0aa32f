#include "src/bench/frame_head.h"

#include <algorithm>

#include "pipeline/base/octet_writer.h"
#include "src/bench/random.h"

namespace tapmeter::bench {

namespace {

constexpr std::uint32_t ethernet_octets = 14;
constexpr std::uint32_t ipv4_octets = 20;
constexpr std::uint32_t transport_at = ethernet_octets + ipv4_octets;

// The 64 bits of a stirred flow number, all of them used: two flows never share all four.
struct Endpoints {
    std::uint32_t client = 0;
    std::uint32_t server = 0;
    std::uint16_t client_port = 0;
    std::uint16_t server_port = 0;
};
Endpoints endpoints_of(std::uint64_t flow) noexcept {
    const std::uint64_t bits = stirred(flow);
    constexpr std::uint32_t clients = 0x0a00'0000;  // 10.0.0.0/8
    constexpr std::uint32_t servers = 0xc612'0000;  // 198.18.0.0/15
    return {.client = clients | static_cast<std::uint32_t>(bits & 0xff'ffffU),
            .server = servers | static_cast<std::uint32_t>((bits >> 24U) & 0x1'ffffU),
            .client_port = static_cast<std::uint16_t>((bits >> 41U) & 0xffffU),
            .server_port = static_cast<std::uint16_t>(1'024U + (bits >> 57U))};
}

// Internet checksum (RFC 1071) of the IPv4 header whose own checksum field is zero.
std::uint16_t header_checksum(std::span<const std::byte, ipv4_octets> header) noexcept {
    std::uint32_t sum = 0;
    for (std::size_t at = 0; at < header.size(); at += 2) {
        sum += (std::to_integer<std::uint32_t>(header[at]) << 8U) |
               std::to_integer<std::uint32_t>(header[at + 1]);
    }
    while (sum >> 16U != 0) {
        sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return static_cast<std::uint16_t>(~sum);
}

}  // namespace

void write_head(const FrameHead& head, std::span<std::byte, frame_head_octets> octets) noexcept {
    std::ranges::fill(octets, std::byte{0});
    const Endpoints ends = endpoints_of(head.flow);
    const std::uint32_t ip_octets = ip_octets_of(head);

    OctetWriter writer(octets);
    writer.be16(0x0200).be32(head.from_client ? 2U : 1U);
    writer.be16(0x0200).be32(head.from_client ? 1U : 2U).be16(0x0800);
    writer.be16(0x4500).be16(ip_octets).be32(0x0000'4000).be8(64).be8(head.protocol).be16(0);
    writer.be32(head.from_client ? ends.client : ends.server);
    writer.be32(head.from_client ? ends.server : ends.client);
    writer.be16(head.from_client ? ends.client_port : ends.server_port);
    writer.be16(head.from_client ? ends.server_port : ends.client_port);
    if (head.protocol == protocol_tcp) {
        writer.be32(head.sequence)
            .be32(head.acknowledgement)
            .be8(0x50)
            .be8(head.tcp_control_bits)
            .be16(0xfaf0);
    } else {
        writer.be16(head.frame_octets - transport_at);
    }
    const auto ipv4 = octets.subspan<ethernet_octets, ipv4_octets>();
    OctetWriter(ipv4.subspan(10)).be16(header_checksum(ipv4));
}

}  // namespace tapmeter::bench
