// The part of Metering that makes a flow of a packet that belongs to none.

#include <algorithm>

#include "pipeline/flow/own_sessions.h"
#include "pipeline/metering.h"

namespace tapmeter {

using flow::deadline_ticks;
using flow::Flow;
using flow::FlowIndex;
using flow::FlowKey;
using flow::no_flow;
using flow::Observation;
using flow::ticks_of;

namespace {

// When something may first happen to a flow that this packet opens.
ObservedAt first_event(const Observation& first, const flow::Timeouts& timeouts) noexcept {
    const bool ends = first.protocol == flow::detail::protocol_tcp &&
                      (first.tcp_control_bits & flow::detail::tcp_rst) != 0;
    return first.at + std::min(timeouts.active, ends ? timeouts.tcp_end : timeouts.idle);
}

}  // namespace

void Metering::open(const FlowKey& key, const Sought& sought, const Observation& first) noexcept {
    if (flow::own_sessions.contains(key)) [[unlikely]] {
        leave_out(first, LeftOut::own_export);
        if (parts_.analytics != nullptr) {
            parts_.analytics->pass(first);
        }
        return;
    }
    const bool let_in = admission_.open() || is_let_in(key, sought.hash, first);
    if (let_in && make_flow(key, sought, first, admission_.aggregates())) {
        return;
    }
    if (parts_.analytics != nullptr) {
        parts_.analytics->pass(first);
    }
    if (let_in) {
        aggregate(key, first);
    }
}

// spare_answered  no answered flow may leave for this one
// False: only an answered flow could have made room.
bool Metering::make_flow(const FlowKey& key, const Sought& sought, const Observation& first,
                         bool spare_answered) noexcept {
    const flow::Ticks deadline = deadline_ticks(first_event(first, parts_.timeouts), now_);
    const FlowIndex index = make_room(sought, deadline, spare_answered);
    if (index == no_flow) {
        return false;
    }
    begin(parts_.table.flow(index), key, first);
    place(index, first.at);
    if (parts_.inspector != nullptr) {
        parts_.inspector->begin(parts_.table, index, first.place);
    }
    if (parts_.analytics != nullptr) {
        parts_.analytics->begin(parts_.table.flow(index), index, first);
    }
    return true;
}

// A place for a new flow; no_flow: only an answered flow could have made room.
FlowIndex Metering::make_room(const Sought& sought, flow::Ticks deadline,
                              bool spare_answered) noexcept {
    const FlowIndex index = insert(sought.hash, deadline);
    if (index != no_flow) {
        return index;
    }
    // Nearly always who was chosen some packets ago is still the right one.
    const bool foreseen = parts_.table.still_leaves(sought.elsewhere, ticks_of(now_));
    const FlowIndex victim =
        foreseen ? sought.elsewhere.place : parts_.table.victim(sought.hash, ticks_of(now_));
    if (spare_answered && parts_.table.is_answered(victim)) {
        return no_flow;
    }
    evict(victim);
    parts_.table.insert_at(victim, sought.hash, deadline);
    return victim;
}

// Counts a flow that has begun, and notes the rate at which such flows are chosen.
void Metering::place(FlowIndex index, ObservedAt flow_start) noexcept {
    Flow& flow = parts_.table.flow(index);
    parts_.table.origin(index) = {.flow_start = flow_start};
    ++parts_.books.flows_created;
    ++parts_.books.flows_active;
    if (admission_.exponent() != 0) [[unlikely]] {
        flow.sampling_exponent = static_cast<std::uint8_t>(admission_.exponent());
        if (!is_aggregate(flow.key)) {
            sampling::add_units(parts_.books.sampled.flows, 1, 1, admission_.exponent());
        }
    }
}

}  // namespace tapmeter
