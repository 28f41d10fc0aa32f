// What Metering does with packets of flows that get no place of their own, or not for ever: the
// seldom walked side of pipeline/metering.cpp.
#include "pipeline/base/expects.h"
#include "pipeline/metering.h"

namespace tapmeter {

using flow::AggregateBy;
using flow::deadline_ticks;
using flow::Flow;
using flow::FlowEndReason;
using flow::FlowIndex;
using flow::FlowKey;
using flow::no_flow;
using flow::Observation;
using flow::ticks_of;

// False: the packet has found another fate, and its account.
bool Metering::is_let_in(const FlowKey& key, FlowHash hash, const Observation& first) noexcept {
    switch (admission_.judge(hash, first)) {
        case Admission::Verdict::flow:
            return true;
        case Admission::Verdict::aggregate:
            aggregate(key, first);
            return false;
        case Admission::Verdict::leave_out:
            break;
    }
    leave_out(first, LeftOut::flow_sampling);
    return false;
}

// It was taken for metered when it came.
void Metering::leave_out(const Observation& packet, LeftOut reason) noexcept {
    const Traffic one = traffic_of(packet);
    parts_.books.metered -= one;
    parts_.books.in_table -= one;
    parts_.books.ignored[index_of(reason)] += one;
}

void Metering::aggregate(const FlowKey& key, const Observation& packet) noexcept {
    parts_.books.aggregated += traffic_of(packet);
    const Observation seen = flow::aggregate_observation(packet);
    const unsigned exponent = admission_.exponent();
    const FlowKey network = aggregate_key(key, packet, AggregateBy::network, exponent);
    if (add_to_aggregate(network, seen, false)) {
        return;
    }
    const FlowKey protocol = aggregate_key(key, packet, AggregateBy::protocol, exponent);
    const bool added = add_to_aggregate(protocol, seen, true);
    expects(added);
}

// make_room  an answered flow leaves if there is no other way; else such a packet is not added
// False: there is no such aggregate, and none may begin.
bool Metering::add_to_aggregate(const FlowKey& key, const Observation& packet,
                                bool make_room) noexcept {
    const FlowHash hash = hash_of(key);
    FlowIndex index = parts_.table.find(key, hash);
    if (index != no_flow && settle(index, packet.at)) {
        update(parts_.table.flow(index), packet);
        return true;
    }
    const std::size_t most = parts_.table.places() / places_per_aggregate;
    if (!make_room && parts_.books.aggregates_active >= most) {
        return false;
    }
    Flow fresh;
    begin(fresh, key, packet);
    flow::detail::set_initiator(fresh, flow::Sender::low);  // also where an answer comes first
    const flow::Ticks deadline = deadline_ticks(next_event(fresh, parts_.timeouts).at, now_);
    index = insert(hash, deadline);
    if (index == no_flow) {
        const FlowIndex victim = parts_.table.victim(hash, ticks_of(now_));
        if (!make_room && parts_.table.is_answered(victim)) {
            return false;
        }
        evict(victim);
        index = parts_.table.insert(hash, deadline);
        expects(index != no_flow);
    }
    parts_.table.flow(index) = fresh;
    place(index, packet.at);
    parts_.table.set_answered(index);  // it stands for many: no new flow may displace it
    ++parts_.books.aggregates_created;
    ++parts_.books.aggregates_active;
    return true;
}

void Metering::evict(FlowIndex index) noexcept {
    ++(parts_.table.is_answered(index) ? parts_.books.evicted_answered
                                       : parts_.books.evicted_unanswered);
    end(index, FlowEndReason::lack_of_resources);
}

// Fewer flows are left out than when this one began: cuts its record, so that what it counts from
// now on stands for as many flows as what others count that begin now.
void Metering::reweigh(FlowIndex index) noexcept {
    Flow& flow = parts_.table.flow(index);
    if (flow.shunt_slot != 0) {
        fold_flow(index);
    }
    if ((flow.state & flow::state::empty) == 0) {
        emit(index, FlowEndReason::active_timeout);
        ++parts_.books.active_cuts;
        clear_after_cut(flow);
    }
    const unsigned from = flow.sampling_exponent;
    const unsigned to = admission_.exponent();
    sampling::reweigh_unit(parts_.books.sampled.flows, from, to);
    // Parts of one flow chosen at p and then at q vary together by (1 - q) / (p × q).
    const auto scale = static_cast<float>(sampling::weight_of(from) / sampling::weight_of(to));
    parts_.table.origin(index).packets_before *= scale;
    parts_.table.origin(index).octets_before *= scale;
    flow.sampling_exponent = static_cast<std::uint8_t>(to);
}

void Metering::note_sampled(FlowIndex index, const flow::FlowRecord& record) noexcept {
    const Traffic traffic = traffic_of(record);
    SampledTotals& sampled = parts_.books.sampled;
    if (record.aggregated) {
        sampling::add_units(sampled.packets, traffic.packets, 1, record.sampling_exponent);
        sampling::add_units(sampled.octets, traffic.packets, traffic.octets,
                            record.sampling_exponent);
        return;
    }
    flow::FlowOrigin& origin = parts_.table.origin(index);
    sampling::add(sampled.packets, traffic.packets, origin.packets_before,
                  record.sampling_exponent);
    sampling::add(sampled.octets, traffic.octets, origin.octets_before, record.sampling_exponent);
    origin.packets_before += static_cast<float>(traffic.packets);
    origin.octets_before += static_cast<float>(traffic.octets);
}

}  // namespace tapmeter
