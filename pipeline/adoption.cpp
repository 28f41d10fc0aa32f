// The part of Metering that takes over the flow table of a process that has ended unasked.

#include "pipeline/metering.h"

namespace tapmeter {

using flow::Flow;
using flow::FlowBucket;
using flow::FlowTable;

// Counters, times and the order of ends go on where they were. What stood beside the table in the
// memory of that process, as analytics and shunts, begins anew.
void Metering::adopt_table() noexcept {
    FlowTable& table = parts_.table;
    const FlowTable::Adopted adopted = table.adopt(parts_.hasher);
    WorkerBooks& books = parts_.books;
    books.flows_adopted = adopted.flows;
    books.flows_unsound = adopted.refused;
    books.flows_active = adopted.flows;
    for (std::size_t place = 0; place < table.places(); ++place) {
        const std::size_t bucket = place / FlowBucket::ways;
        const std::size_t way = place % FlowBucket::ways;
        if (table.bucket(bucket).tags[way] == 0) {
            continue;
        }
        const Flow& flow = table.flow(FlowTable::index_of(bucket, way));
        books.aggregates_active += is_aggregate(flow.key) ? 1U : 0U;
        for (const flow::Side& side : flow.sides) {
            books.adopted += {.packets = side.packets.value,
                              .octets = side.octets.value,
                              .layer2_octets = side.layer2_octets.value};
        }
    }
    books.in_table = books.adopted;
    if (parts_.inspector != nullptr) {
        parts_.inspector->adopt(table);
    }
}

}  // namespace tapmeter
