#pragma once

#include <atomic>

#include "src/bench/outcome.h"
#include "src/config/config.h"
#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

// Measures what the captures of the configuration give, for command.trial: opened and metered as
// `run` does, with traffic that somebody else sends.
// errors  as the captures, the outputs and the appliance give them
Result<bench::LiveOutcome> measure_live(const Config& config, const BenchCommand& command,
                                        const std::atomic<bool>& stop);

// The lines to type on the machine that sends: pktgen, testpmd and trafgen, for each frame size.
std::string generator_lines(const BenchCommand& command);

}  // namespace tapmeter::verbs
