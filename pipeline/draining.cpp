// The part of Metering that ends every flow.

#include "pipeline/metering.h"

namespace tapmeter {

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

}  // namespace tapmeter
