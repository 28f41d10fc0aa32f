// The part of Metering that makes a flow's record and hands it to the exporter core.

#include "pipeline/metering.h"

namespace tapmeter {

using flow::FlowEndReason;
using flow::FlowIndex;

void Metering::emit(FlowIndex index, FlowEndReason reason) noexcept {
    flow::FlowRecord record =
        record_of(parts_.table.flow(index), parts_.table.origin(index), reason);
    record.worker = parts_.worker;
    RecordRing::Parts beside{};
    if (parts_.inspector != nullptr && !record.aggregated) {
        record.application = parts_.inspector->label(parts_.table.flow(index), index);
        beside = {parts_.inspector->metadata(parts_.table.flow(index), index)};
    }
    if (record.sampling_exponent != 0) [[unlikely]] {
        note_sampled(index, record);
    }
    const Traffic traffic = traffic_of(record);
    parts_.books.in_table -= traffic;
    if (push(record, beside)) {
        ++parts_.books.records_emitted[index_of(reason)];
        parts_.books.emitted += traffic;
    } else {  // never wait for the exporter: the NIC does not wait
        ++parts_.books.records_refused;
        parts_.books.refused += traffic;
    }
}

// With what travels beside it, as far as there is room; a record that waits for nobody goes alone.
bool Metering::push(const flow::FlowRecord& record, RecordRing::Parts beside) noexcept {
    if (std::get<0>(beside) == nullptr) [[likely]] {
        return parts_.ring.push(record);
    }
    const bool taken = parts_.ring.push(record, beside);
    parts_.books.descriptions_refused += std::get<0>(beside) == nullptr ? 1U : 0U;
    return taken;
}

}  // namespace tapmeter
