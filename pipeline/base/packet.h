#pragma once

#include <array>
#include <cstdint>

#include "pipeline/base/bytes.h"
#include "pipeline/base/units.h"

namespace tapmeter {

// Most packets one receive() may return: enough to spread the fixed cost of a burst and to hide a
// cache miss, few enough to stay in L2.
inline constexpr std::size_t burst_packets_max = 64;

// What the first octet of a frame belongs to. Live backends deliver ethernet; capture files name
// theirs (the LINKTYPE_ registry of the pcap format). `unknown` is counted, never guessed at.
enum class LinkType : std::uint8_t {
    ethernet,
    raw_ip,         // LINKTYPE_RAW, _IPV4, _IPV6: the IP header comes first
    null_loopback,  // LINKTYPE_NULL: address family in the byte order of the capturing host
    loop,           // LINKTYPE_LOOP: the same in network byte order
    linux_sll,      // LINKTYPE_LINUX_SLL: cooked capture, 16-octet header
    linux_sll2,     // LINKTYPE_LINUX_SLL2: 20-octet header
    ppp,            // LINKTYPE_PPP, LINKTYPE_PPP_HDLC
    c_hdlc,         // LINKTYPE_C_HDLC: Cisco HDLC
    unknown,
};

// One observed packet: a view, never an owner. The octets belong to the capture backend and are
// valid from receive() until the matching release().
struct Packet {
    Bytes frame{};  // from the first octet of the link layer; may be cut at the snap length
    ObservedAt observed_at{};
    std::uint32_t wire_octets = 0;        // length on the wire without FCS; >= frame.size()
    std::uint16_t observation_point = 0;  // index of the interface among those configured
    LinkType link = LinkType::ethernet;
};
static_assert(sizeof(Packet) == 32, "two packets a cache line");

struct Burst {
    std::array<Packet, burst_packets_max> packets{};
    std::size_t count = 0;

    std::span<const Packet> view() const noexcept { return std::span{packets}.first(count); }
};

}  // namespace tapmeter
