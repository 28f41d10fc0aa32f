// The part of Metering that gives the flow table of a recording more room.

#include <algorithm>
#include <utility>
#include <vector>

#include "pipeline/metering.h"

namespace tapmeter {

using flow::FlowIndex;
using flow::no_flow;

// As the table's; where that has no place and may grow, it grows.
FlowIndex Metering::insert(FlowHash hash, flow::Ticks deadline) noexcept {
    const FlowIndex index = parts_.table.insert(hash, deadline);
    return index == no_flow && grows_ && grow() ? parts_.table.insert(hash, deadline) : index;
}

// A file can wait while its flows move into a table four times as large; and small files spare
// the clearing of memory that they never need. False: there is no memory; it stays as it is, and
// who finds no place displaces another, as in a table that is as large as configured.
bool Metering::grow() noexcept {
    constexpr std::size_t factor = 4;
    const std::size_t most = parts_.grows_to.flows_max;
    flow::FlowTable::Request larger = parts_.grows_to;
    larger.flows_max = std::min(parts_.table.flows_max() * factor, most);
    auto table = flow::FlowTable::make(larger);
    std::vector<FlowIndex> moved(parts_.table.places());
    if (!table || !prepare_beside(table->places()) ||
        !table->take_over(parts_.table, parts_.hasher, moved)) {
        grows_ = false;
        return false;
    }
    parts_.table = std::move(*table);
    if (parts_.inspector != nullptr) {
        parts_.inspector->follow(moved);
    }
    if (parts_.analytics != nullptr) {
        parts_.analytics->follow(moved);
    }
    expiry_ = {};
    grows_ = larger.flows_max < most;
    return true;
}

// Room for what is kept of flows beside the table.
bool Metering::prepare_beside(std::size_t places) {
    return (parts_.inspector == nullptr || parts_.inspector->prepare(places)) &&
           (parts_.analytics == nullptr || parts_.analytics->prepare(places));
}

}  // namespace tapmeter
