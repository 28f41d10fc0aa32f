#pragma once

#include <array>
#include <cstdint>

#include "pipeline/base/bytes.h"
#include "pipeline/base/fates.h"
#include "pipeline/decode/encapsulation.h"

namespace tapmeter::decode {

// IPv4 sits in the last four octets, the rest zero, so later rooms need no second code path.
using Address = std::array<std::uint8_t, 16>;

// Where a packet stands in its datagram.
enum class Fragment : std::uint8_t {
    none,   // the whole datagram
    first,  // offset 0, more to come: carries the transport header
    later,  // offset > 0: no transport header, ports are 0
};

// Which part of its datagram a fragment is.
struct FragmentPart {
    std::uint32_t id = 0;      // Identification: 16 bits of IPv4, 32 of IPv6
    std::uint32_t offset = 0;  // octets
    std::uint32_t octets = 0;  // of the datagram in this fragment, as on the wire
    bool last = false;         // no more fragments
};

inline constexpr std::size_t mpls_stack_max = 4;  // label stack sections that are kept

// What the later rooms need of a packet's headers: one IP flow.
struct Headers {
    Address source{};
    Address destination{};
    std::uint16_t source_port = 0;  // 0 where the protocol has none, and in later fragments
    std::uint16_t destination_port = 0;
    std::uint16_t vlan = 0;           // outermost VLAN id, 0 if untagged or priority-tagged
    std::uint16_t customer_vlan = 0;  // second VLAN id of a QinQ frame, else 0
    std::uint8_t protocol = 0;        // IANA protocol number behind all IPv6 extension headers
    std::uint8_t ip_version = 0;      // 4 or 6; 0: the frame is no IP, and `non_ip` says what
    NonIp non_ip = NonIp::other;
    Fragment fragment = Fragment::none;
    std::uint32_t ip_octets = 0;         // IP header and payload, as the header says
    std::uint16_t tcp_control_bits = 0;  // the 12 bits behind Data Offset (RFC 9565); 0 if no TCP
    std::uint8_t type_of_service = 0;    // IPv4 TOS or IPv6 traffic class
    std::uint8_t time_to_live = 0;       // IPv4 TTL or IPv6 hop limit
    std::uint8_t icmp_type = 0;          // ICMP and ICMPv6; else 0
    std::uint8_t icmp_code = 0;
    Bytes ip{};         // from the IP header, as captured, without link padding
    Bytes payload{};    // after the transport header, as captured, without link padding
    Bytes transport{};  // from the transport header on, as captured; ends as the packet does
    std::uint32_t transport_octets = 0;  // from there on, as on the wire
    Encapsulations encapsulations{};     // what was passed on the way to the IP header
    FragmentPart part{};                 // only where `fragment` is not none
    std::uint32_t security_index = 0;    // SPI of AH or ESP, else 0
    // The outermost MPLS labels, top first, as label stack sections (RFC 7011: mplsTopLabel...):
    // 20 bits of label, 3 of traffic class, 1 bottom of stack.
    std::array<std::uint32_t, mpls_stack_max> mpls_stack{};
    std::uint8_t mpls_labels = 0;     // of them, in use
    std::uint16_t pppoe_session = 0;  // outermost PPPoE session id, else 0
};

}  // namespace tapmeter::decode
