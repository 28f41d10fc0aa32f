// The part of Metering that meters what the shunt counted.

#include "pipeline/metering.h"

namespace tapmeter {

using flow::deadline_ticks;
using flow::Flow;
using flow::FlowIndex;
using flow::no_flow;
using flow::Observation;
using flow::Sender;
using flow::Train;

namespace {

// The first packet of a train; its octets are left to the train, which knows only their sum.
Observation first_of(const flow::FlowKey& key, Sender sender, const Train& train) noexcept {
    return {.at = train.first,
            .tcp_control_bits = train.tcp_control_bits,
            .sender = sender,
            .protocol = key.protocol,
            .type_of_service = train.type_of_service,
            .time_to_live = train.ttl_min};
}

}  // namespace

void Metering::fold(ObservedAt now) noexcept {
    now_ = now;
    shunts_.walk(
        now,
        [this](FlowIndex index) {
            fold_flow(index);
            // No packet of the flow will come and look at what is due before it.
            parts_.table.set_deadline(
                index,
                deadline_ticks(next_event(parts_.table.flow(index), parts_.timeouts).at, now_));
        },
        [this](const Shunts::Orphan& orphan) { adopt(orphan); });
}

void Metering::fold_the_rest() noexcept {
    shunts_.finish([this](FlowIndex index) { fold_flow(index); },
                   [this](const Shunts::Orphan& orphan) { adopt(orphan); });
}

void Metering::fold_flow(FlowIndex index) noexcept {
    count_folded(index, shunts_.fold(parts_.table.flow(index)));
}

// A flow that makes room or opens again cannot wait for its last counts.
void Metering::end_shunted(FlowIndex index) noexcept {
    Flow& flow = parts_.table.flow(index);
    if (flow.shunt_slot != 0) {
        fold_flow(index);
    }
    shunts_.end(flow);
}

void Metering::count_folded(FlowIndex index, const Traffic& folded) noexcept {
    parts_.books.folded += folded;
    parts_.books.metered += folded;
    parts_.books.in_table += folded;
    if ((parts_.table.flow(index).state & flow::state::answered) != 0) {
        parts_.table.set_answered(index);
    }
}

// The flow has ended, and yet there were more packets of it: they belong to the flow that followed
// under the same key, or begin one.
void Metering::adopt(const Shunts::Orphan& orphan) noexcept {
    const FlowHash hash = hash_of(orphan.key);
    for (std::size_t sender = 0; sender < orphan.trains.size(); ++sender) {
        Train train = orphan.trains[sender];
        if (train.side.packets == Packets{}) {
            continue;
        }
        if (train.last == ObservedAt{}) {
            train.first = now_;
            train.last = now_;
        }
        const Traffic folded{.packets = train.side.packets.value,
                             .octets = train.side.octets.value,
                             .layer2_octets = train.side.layer2_octets.value};
        FlowIndex index = parts_.table.find(orphan.key, hash);
        if (index == no_flow) {
            const Observation first = first_of(orphan.key, static_cast<Sender>(sender), train);
            if (parts_.analytics != nullptr) {
                parts_.analytics->arrive(first);
            }
            make_flow(orphan.key, {.hash = hash}, first, false);
            index = parts_.table.find(orphan.key, hash);
            train.side.packets.value -= 1;  // the first
        }
        update(parts_.table.flow(index), static_cast<Sender>(sender), train);
        count_folded(index, folded);
    }
}

}  // namespace tapmeter
