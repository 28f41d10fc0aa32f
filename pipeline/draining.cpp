// The part of Metering that visits flows without a packet: those that are due, and all at the end.

#include "pipeline/metering.h"

namespace tapmeter {

using flow::deadline_ticks;
using flow::FlowEndReason;
using flow::FlowIndex;

bool Metering::drain(ObservedAt end_time) noexcept {
    now_ = end_time;
    if (drained_places_ == 0) {
        fold_the_rest();
    }
    if (!drain_table(end_time)) {
        return false;
    }
    if (shunts_.any_slot_in_use()) {  // packets after the end of their flow
        drained_places_ = 0;
        fold_the_rest();
        return drain_table(end_time);
    }
    return true;
}

bool Metering::drain_table(ObservedAt end_time) noexcept {
    for (; drained_places_ < parts_.table.places(); ++drained_places_) {
        const std::size_t bucket = drained_places_ / flow::FlowBucket::ways;
        const std::size_t way = drained_places_ % flow::FlowBucket::ways;
        if (parts_.table.bucket(bucket).tags[way] == 0) {
            continue;
        }
        if (parts_.ring.free_slots(records_per_packet_max) < records_per_packet_max) {
            return false;
        }
        const FlowIndex index = flow::FlowTable::index_of(bucket, way);
        if (settle(index, end_time)) {
            end(index, FlowEndReason::forced_end);
        }
    }
    return true;
}

flow::Expiry::Work Metering::expire(ObservedAt now, std::size_t records_max) noexcept {
    return expiry_.walk(parts_.table, now,
                        Settler{.metering = *this, .now = now, .records_left = records_max},
                        expiry_work_max);
}

bool Metering::Settler::operator()(FlowIndex index) noexcept {
    if (records_left < records_per_packet_max) {
        return false;
    }
    Parts& parts = metering.parts_;
    const std::uint64_t cuts = parts.books.active_cuts;
    if (!metering.settle(index, now)) {
        --records_left;
        return true;
    }
    const ObservedAt next = next_event(parts.table.flow(index), parts.timeouts).at;
    parts.table.set_deadline(index, deadline_ticks(next, now));
    records_left -= parts.books.active_cuts - cuts;
    return true;
}

void Metering::Settler::ask(FlowIndex index) const noexcept {
    if (metering.watcher_ != nullptr) [[unlikely]] {
        metering.watcher_->prefetch_end(metering.parts_.table.flow(index), index);
    }
}

}  // namespace tapmeter
