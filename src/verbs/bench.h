#pragma once

#include "src/config/load.h"
#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

// Measures how many packets a second the workers meter: the program as `run` builds it, on traffic
// made in memory. Ends with answer_no when the books do not balance.
ExitCode measure(const BenchCommand& command, const CommonOptions& common,
                 const LoadRequest& config);

}  // namespace tapmeter::verbs
