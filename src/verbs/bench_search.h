#pragma once

#include <atomic>

#include "src/bench/outcome.h"
#include "src/verbs/bench_trial.h"
#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

// RFC 2544 section 26.1: the highest rate at which no packet is lost, found by halving. Packets
// arrive by the clock at receive rings of request.ring_slots in memory; a trial lasts
// command.trial. The first rate is what the workers do when nothing limits them; with
// command.max_loss a trial that loses no larger share counts as one without loss. A record that
// the exporter had no room for counts as a loss too.
// errors  as MemoryTrial
Result<bench::SearchOutcome> search_zero_loss(const MemoryTrial::Request& request,
                                              const BenchCommand& command,
                                              const std::atomic<bool>& stop);

}  // namespace tapmeter::verbs
