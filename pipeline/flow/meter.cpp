#include "pipeline/flow/meter.h"

#include <algorithm>

namespace tapmeter::flow {

namespace {

constexpr std::uint8_t protocol_tcp = 6;

// TCP control bits, RFC 9293 section 3.1.
constexpr std::uint16_t tcp_fin = 0x01;
constexpr std::uint16_t tcp_syn = 0x02;
constexpr std::uint16_t tcp_rst = 0x04;
constexpr std::uint16_t tcp_ack = 0x10;

void set_initiator(Flow& flow, Sender initiator) noexcept {
    flow.state = static_cast<std::uint8_t>(flow.state & ~state::initiator_is_high);
    if (initiator == Sender::high) {
        flow.state |= state::initiator_is_high;
    }
}

// A SYN comes from the initiator, a SYN-ACK goes to it; the first of them decides.
void learn_from_tcp(Flow& flow, const Observation& packet) noexcept {
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

void count(Flow& flow, const Observation& packet) noexcept {
    const auto sender = static_cast<std::size_t>(packet.sender);
    Side& side = flow.sides[sender];
    side.packets += Packets{1};
    side.octets += Octets{packet.octets};
    side.layer2_octets += Octets{packet.layer2_octets};
    flow.tcp_control_bits[sender] |= packet.tcp_control_bits;
    if (packet.protocol == protocol_tcp) {
        learn_from_tcp(flow, packet);
    }
}

// The first packet of an endpoint since the last cut sets what later ones only lower.
void note_first_of_side(Flow& flow, const Observation& packet) noexcept {
    const auto sender = static_cast<std::size_t>(packet.sender);
    if (flow.sides[sender].packets == Packets{}) {
        flow.type_of_service[sender] = packet.type_of_service;
        flow.ttl_min[sender] = packet.time_to_live;
    }
    flow.ttl_min[sender] = std::min(flow.ttl_min[sender], packet.time_to_live);
}

}  // namespace

Observation observation_of(const decode::Headers& headers, const Packet& packet,
                           Sender sender) noexcept {
    return {.at = packet.observed_at,
            .octets = headers.ip_octets,
            .layer2_octets = packet.wire_octets,
            .tcp_control_bits = headers.tcp_control_bits,
            .observation_point = packet.observation_point,
            .sender = sender,
            .protocol = headers.protocol,
            .type_of_service = headers.type_of_service,
            .time_to_live = headers.time_to_live,
            .icmp_type = headers.icmp_type,
            .icmp_code = headers.icmp_code};
}

void begin(Flow& flow, const FlowKey& key, const Observation& first) noexcept {
    flow = Flow{.key = key, .last = first.at, .start = first.at};
    flow.observation_point = first.observation_point;
    flow.icmp_type = first.icmp_type;
    flow.icmp_code = first.icmp_code;
    set_initiator(flow, first.sender);
    note_first_of_side(flow, first);
    count(flow, first);
}

void update(Flow& flow, const Observation& packet) noexcept {
    if ((flow.state & state::empty) != 0) [[unlikely]] {
        flow.state = static_cast<std::uint8_t>(flow.state & ~state::empty);
        flow.start = packet.at;
    }
    // Captures can run backwards: a record spans its earliest and its latest packet.
    flow.start = std::min(flow.start, packet.at);
    flow.last = std::max(flow.last, packet.at);
    note_first_of_side(flow, packet);
    count(flow, packet);
    if (flow.sides[0].packets != Packets{} && flow.sides[1].packets != Packets{}) {
        flow.state |= state::answered;
    }
}

bool reopens(const Flow& flow, const Observation& packet) noexcept {
    return packet.protocol == protocol_tcp &&
           (packet.tcp_control_bits & (tcp_syn | tcp_ack)) == tcp_syn && has_ended(flow);
}

FlowRecord record_of(const Flow& flow, const FlowOrigin& origin, FlowEndReason reason) noexcept {
    const bool from_high = (flow.state & state::initiator_is_high) != 0;
    const std::size_t initiator = from_high ? 1 : 0;
    const std::size_t responder = 1 - initiator;
    FlowRecord record;
    record.source = from_high ? flow.key.high : flow.key.low;
    record.destination = from_high ? flow.key.low : flow.key.high;
    record.source_port = from_high ? flow.key.high_port : flow.key.low_port;
    record.destination_port = from_high ? flow.key.low_port : flow.key.high_port;
    record.vlan = flow.key.vlan;
    record.customer_vlan = flow.key.customer_vlan;
    record.protocol = flow.key.protocol;
    record.ip_version = flow.key.ip_version;
    record.end_reason = reason;
    record.biflow_direction = (flow.state & state::initiator_known) != 0 ? 1 : 0;
    record.forward_tcp_control_bits = flow.tcp_control_bits[initiator];
    record.reverse_tcp_control_bits = flow.tcp_control_bits[responder];
    record.forward_type_of_service = flow.type_of_service[initiator];
    record.reverse_type_of_service = flow.type_of_service[responder];
    record.forward_ttl_min = flow.ttl_min[initiator];
    record.reverse_ttl_min = flow.ttl_min[responder];
    record.icmp_type = flow.icmp_type;
    record.icmp_code = flow.icmp_code;
    record.observation_point = flow.observation_point;
    record.start = flow.start;
    record.end = flow.last;
    record.forward = flow.sides[initiator];
    record.reverse = flow.sides[responder];
    record.flow_id = origin.flow_id;
    record.flow_start = origin.flow_start;
    return record;
}

void clear_after_cut(Flow& flow) noexcept {
    flow.sides = {};
    flow.tcp_control_bits = {};
    flow.type_of_service = {};
    flow.ttl_min = {};
    flow.state |= state::empty;
}

std::uint64_t flow_id_of(const FlowKey& key, ObservedAt flow_start) noexcept {
    // Two multiplications by odd constants and folds (after SplitMix64): spreads well enough for a
    // name; nobody gains by making two names equal.
    constexpr std::uint64_t odd_constant = 0x9e37'79b9'7f4a'7c15;
    constexpr unsigned id_bits = 53;
    auto state = static_cast<std::uint64_t>(flow_start.time_since_epoch().count());
    for (const std::uint64_t word : std::bit_cast<std::array<std::uint64_t, 6>>(key)) {
        state = (state ^ word) * odd_constant;
        state ^= state >> 32U;
    }
    return state >> (64U - id_bits);
}

}  // namespace tapmeter::flow
