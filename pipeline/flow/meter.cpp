#include "pipeline/flow/meter.h"

#include <algorithm>

#include "pipeline/flow/aggregate.h"

namespace tapmeter::flow {

void begin(Flow& flow, const FlowKey& key, const Observation& first) noexcept {
    // Member by member: a flow that is built first and then copied is written twice.
    flow.key = key;
    flow.last = first.at;
    flow.start = first.at;
    flow.sides = {};
    flow.tcp_control_bits = {};
    flow.type_of_service = {};
    flow.ttl_min = {};
    flow.state = 0;
    flow.sampling_exponent = 0;
    flow.shunt_slot = 0;
    flow.observation_point = first.observation_point;
    flow.icmp_type = first.icmp_type;
    flow.icmp_code = first.icmp_code;
    detail::set_initiator(flow, first.sender);
    detail::note_first_of_side(flow, first);
    detail::count(flow, first);
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
    record.flow_id = flow_id_of(flow.key, origin.flow_start);
    record.flow_start = origin.flow_start;
    record.sampling_exponent = flow.sampling_exponent;
    describe_prefixes(flow.key, record);
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
    for (const std::uint64_t word : std::bit_cast<std::array<std::uint64_t, 6>>(bare(key))) {
        state = (state ^ word) * odd_constant;
        state ^= state >> 32U;
    }
    return state >> (64U - id_bits);
}

}  // namespace tapmeter::flow
