// The part of Metering that makes a flow's record and hands it to the exporter core.

#include "pipeline/metering.h"

namespace tapmeter {

using flow::FlowEndReason;
using flow::FlowIndex;

void Metering::emit(FlowIndex index, FlowEndReason reason) noexcept {
    flow::FlowRecord record =
        record_of(parts_.table.flow(index), parts_.table.origin(index), reason);
    record.worker = parts_.worker;
    RecordRing::Parts beside = parts_of(index, record);
    if (parts_.inspector != nullptr && !record.aggregated) {
        record.application = parts_.inspector->label(parts_.table.flow(index), index);
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
    if (parts_.analytics != nullptr && reason == FlowEndReason::active_timeout) {
        parts_.analytics->cut(parts_.table.flow(index), index);
    }
}

RecordRing::Parts Metering::parts_of(FlowIndex index, const flow::FlowRecord& record) noexcept {
    RecordRing::Parts parts{};
    if (record.aggregated) {
        return parts;
    }
    if (parts_.inspector != nullptr) {
        std::get<const inspect::Metadata*>(parts) =
            parts_.inspector->metadata(parts_.table.flow(index), index);
    }
    if (parts_.analytics != nullptr) {
        const auto known = parts_.analytics->reports(parts_.table.flow(index), index);
        std::get<const flow::TcpReport*>(parts) = known.tcp;
        std::get<const flow::TunnelReport*>(parts) = known.tunnel;
        std::get<const flow::BehaviourReport*>(parts) = known.behaviour;
        std::get<const flow::PayloadReport*>(parts) = known.payload;
    }
    return parts;
}

// With what travels beside it, as far as there is room; a record that waits for nobody goes alone.
bool Metering::push(const flow::FlowRecord& record, RecordRing::Parts beside) noexcept {
    if (beside == RecordRing::Parts{}) [[likely]] {
        return parts_.ring.push(record);
    }
    const RecordRing::Parts wanted = beside;
    const bool taken = parts_.ring.push(record, beside);
    const auto lost = [&]<class Part>(const Part* part) {
        return taken && part != nullptr && std::get<const Part*>(beside) == nullptr;
    };
    parts_.books.descriptions_refused += lost(std::get<const inspect::Metadata*>(wanted)) ? 1U : 0U;
    parts_.books.reports_refused += lost(std::get<const flow::TcpReport*>(wanted)) ||
                                            lost(std::get<const flow::TunnelReport*>(wanted)) ||
                                            lost(std::get<const flow::BehaviourReport*>(wanted)) ||
                                            lost(std::get<const flow::PayloadReport*>(wanted))
                                        ? 1U
                                        : 0U;
    return taken;
}

}  // namespace tapmeter
