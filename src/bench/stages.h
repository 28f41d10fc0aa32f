#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/flow/flow_table.h"
#include "pipeline/flow/timeouts.h"
#include "src/bench/made_traffic.h"

namespace tapmeter::bench {

// What one more part of the road costs, in nanoseconds of CPU time a packet.
struct StageCost {
    std::string name;
    double ns = 0;
};

// Tables and rounds of measure_stages().
struct StagesRequest {
    flow::FlowTable::Request table;  // two of these are made
    flow::Timeouts timeouts;
    bool vlan_in_key = true;
    std::uint64_t packets = 1'000'000;  // of each stage and round
    unsigned rounds = 5;
};

// Where the time of a worker goes. The road is walked on the same traffic up to each stage in
// turn, round after round, and of each the best round counts; a stage costs what it adds. The
// last one is the real worker, which adds the rest: its books and their publishing. The headline
// figure is taken elsewhere and is not disturbed. In the calling thread.
//
// What overlaps in a core cannot be told apart: a stage that waits for memory hides what follows,
// and one may come out below zero by what the next makes cheaper.
// errors  no_memory
Result<std::vector<StageCost>> measure_stages(Traffic traffic, const StagesRequest& request);

}  // namespace tapmeter::bench
