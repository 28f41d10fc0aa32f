#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "pipeline/base/packet.h"
#include "pipeline/flow/flow.h"
#include "pipeline/flow/flow_record.h"

namespace tapmeter::flow {

// What one packet means for its flow: the facts that outlive the frame's buffer.
struct Observation {
    ObservedAt at{};
    std::uint32_t octets = 0;         // layer 3
    std::uint32_t layer2_octets = 0;  // on the wire, without FCS
    std::uint16_t tcp_control_bits = 0;
    std::uint16_t observation_point = 0;
    Sender sender = Sender::low;
    std::uint8_t protocol = 0;
    std::uint8_t type_of_service = 0;
    std::uint8_t time_to_live = 0;
    std::uint8_t icmp_type = 0;
    std::uint8_t icmp_code = 0;
    std::uint8_t place = no_place;  // of the packet in its burst
    // Where its transport header begins in the frame; 0: nowhere within that reach, or the packet
    // is a fragment.
    std::uint8_t transport_at = 0;
    std::uint32_t transport_octets = 0;  // from there on, as on the wire; else completes_datagram()

    static constexpr std::uint8_t no_place = 0xff;  // no packet of a burst

    bool operator==(const Observation&) const = default;
};
static_assert(sizeof(Observation) == cache_line_octets / 2, "two packets a line");

namespace detail {

// As Observation::transport_at.
inline std::uint8_t transport_at(const decode::Headers& headers, const Packet& packet) noexcept {
    constexpr std::ptrdiff_t at_max = std::numeric_limits<std::uint8_t>::max();
    if (headers.transport.empty() || headers.fragment != decode::Fragment::none) {
        return 0;
    }
    const std::ptrdiff_t at = headers.transport.data() - packet.frame.data();
    return at <= at_max ? static_cast<std::uint8_t>(at) : std::uint8_t{0};
}

}  // namespace detail

inline void observe(const decode::Headers& headers, const Packet& packet, Sender sender,
                    Observation& to) noexcept {
    to.at = packet.observed_at;
    to.octets = headers.ip_octets;
    to.layer2_octets = packet.wire_octets;
    to.tcp_control_bits = headers.tcp_control_bits;
    to.observation_point = packet.observation_point;
    to.sender = sender;
    to.protocol = headers.protocol;
    to.type_of_service = headers.type_of_service;
    to.time_to_live = headers.time_to_live;
    to.icmp_type = headers.icmp_type;
    to.icmp_code = headers.icmp_code;
    to.transport_at = detail::transport_at(headers, packet);
    to.transport_octets = to.transport_at != 0 ? headers.transport_octets : 0;
}

// Makes a flow of its first packet.
void begin(Flow& flow, const FlowKey& key, const Observation& first) noexcept;

// Adds one more packet.
void update(Flow& flow, const Observation& packet) noexcept;

// The same in the short way, for nearly all: those that only_adds() knows.
inline void add_plain(Flow& flow, const Observation& packet) noexcept;

// Its end has sent before in this record, which is no shunted flow's, and it says nothing of a
// connection.
inline bool only_adds(const Flow& flow, const Observation& packet) noexcept;

// True where this packet opens a new connection although its flow has ended already: a SYN after
// FIN both ways or RST. The old flow must leave first.
inline bool reopens(const Flow& flow, const Observation& packet) noexcept;

// The flow as it leaves: source = the initiator as far as it is known, else the sender of the
// first packet.
FlowRecord record_of(const Flow& flow, const FlowOrigin& origin, FlowEndReason reason) noexcept;

// After a record was cut by the active timeout: the flow goes on with nothing counted yet.
void clear_after_cut(Flow& flow) noexcept;

namespace detail {

inline constexpr std::uint8_t protocol_tcp = 6;

// TCP control bits, RFC 9293 section 3.1.
inline constexpr std::uint16_t tcp_fin = 0x01;
inline constexpr std::uint16_t tcp_syn = 0x02;
inline constexpr std::uint16_t tcp_rst = 0x04;
inline constexpr std::uint16_t tcp_ack = 0x10;

inline void set_initiator(Flow& flow, Sender initiator) noexcept {
    flow.state = static_cast<std::uint8_t>(flow.state & ~state::initiator_is_high);
    if (initiator == Sender::high) {
        flow.state |= state::initiator_is_high;
    }
}

// A SYN comes from the initiator, a SYN-ACK goes to it; the first of them decides.
inline void learn_from_tcp(Flow& flow, const Observation& packet) noexcept {
    const std::uint16_t bits = packet.tcp_control_bits;
    if ((bits & tcp_syn) != 0 && (flow.state & state::initiator_known) == 0) {
        set_initiator(flow, (bits & tcp_ack) != 0 ? other(packet.sender) : packet.sender);
        flow.state |= state::initiator_known;
    }
    if ((bits & tcp_fin) != 0) {
        flow.state |= packet.sender == Sender::low ? state::fin_from_low : state::fin_from_high;
    }
    if ((bits & tcp_rst) != 0) {
        flow.state |= state::reset;
    }
}

inline void add_to_side(Flow& flow, const Observation& packet) noexcept {
    const auto sender = static_cast<std::size_t>(packet.sender);
    Side& side = flow.sides[sender];
    side.packets += Packets{1};
    side.octets += Octets{packet.octets};
    side.layer2_octets += Octets{packet.layer2_octets};
    flow.tcp_control_bits[sender] |= packet.tcp_control_bits;
}

inline void count(Flow& flow, const Observation& packet) noexcept {
    add_to_side(flow, packet);
    if (packet.protocol == protocol_tcp) {
        learn_from_tcp(flow, packet);
    }
}

// The first packet of an endpoint since the last cut sets what later ones only lower.
inline void note_first_of_side(Flow& flow, const Observation& packet) noexcept {
    const auto sender = static_cast<std::size_t>(packet.sender);
    const bool first = flow.sides[sender].packets == Packets{};
    const std::uint8_t type_of_service = flow.type_of_service[sender];
    const std::uint8_t ttl_min = flow.ttl_min[sender];
    flow.type_of_service[sender] = first ? packet.type_of_service : type_of_service;
    flow.ttl_min[sender] = std::min(first ? packet.time_to_live : ttl_min, packet.time_to_live);
}

}  // namespace detail

inline bool reopens(const Flow& flow, const Observation& packet) noexcept {
    return packet.protocol == detail::protocol_tcp &&
           (packet.tcp_control_bits & (detail::tcp_syn | detail::tcp_ack)) == detail::tcp_syn &&
           has_ended(flow);
}

inline void update(Flow& flow, const Observation& packet) noexcept {
    if ((flow.state & state::empty) != 0) [[unlikely]] {
        flow.state = static_cast<std::uint8_t>(flow.state & ~state::empty);
        flow.start = packet.at;
    }
    // Captures can run backwards: a record spans its earliest and its latest packet.
    flow.start = std::min(flow.start, packet.at);
    flow.last = std::max(flow.last, packet.at);
    detail::note_first_of_side(flow, packet);
    detail::count(flow, packet);
    const bool both = (unsigned{flow.sides[0].packets != Packets{}} &
                       unsigned{flow.sides[1].packets != Packets{}}) != 0;
    flow.state = static_cast<std::uint8_t>(flow.state | (both ? state::answered : 0U));
}

inline bool only_adds(const Flow& flow, const Observation& packet) noexcept {
    constexpr std::uint16_t of_connections = detail::tcp_syn | detail::tcp_fin | detail::tcp_rst;
    return (packet.tcp_control_bits & of_connections) == 0 &&
           (flow.state & (state::empty | state::shunted)) == 0 &&
           flow.sides[static_cast<std::size_t>(packet.sender)].packets != Packets{};
}

inline void add_plain(Flow& flow, const Observation& packet) noexcept {
    std::uint8_t& ttl_min = flow.ttl_min[static_cast<std::size_t>(packet.sender)];
    flow.start = std::min(flow.start, packet.at);
    flow.last = std::max(flow.last, packet.at);
    ttl_min = std::min(ttl_min, packet.time_to_live);
    detail::add_to_side(flow, packet);
}

}  // namespace tapmeter::flow
