#pragma once

#include <string>
#include <vector>

#include "src/bench/machine.h"
#include "src/bench/outcome.h"

namespace tapmeter::bench {

// All runs in the layout of Google Benchmark's JSON, which its compare.py reads: `context` is the
// machine, each worker of each run one of `benchmarks`. real_time and cpu_time are nanoseconds a
// packet, iterations are packets, items_per_second are packets by CPU time; our own counters stand
// beside them under stable names.
std::string outcomes_as_json(const std::vector<Outcome>& outcomes, const Machine& machine);

}  // namespace tapmeter::bench
