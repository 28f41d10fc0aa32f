#pragma once

#include <string>
#include <vector>

#include "src/bench/machine.h"
#include "src/bench/outcome.h"

namespace tapmeter::bench {

// What one call of the program measured.
struct Results {
    std::vector<Outcome> outcomes;
    std::vector<SearchOutcome> searches;
    std::vector<LiveOutcome> live;
};

// All of it in the layout of Google Benchmark's JSON, which its compare.py reads: `context` is the
// machine, each worker of each run one of `benchmarks`. real_time and cpu_time are nanoseconds a
// packet, iterations are packets, items_per_second are packets by CPU time; our own counters stand
// beside them under stable names. A search gives the rate found, by wall.
std::string results_as_json(const Results& results, const Machine& machine);

}  // namespace tapmeter::bench
