#pragma once

#include "src/config/load.h"
#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

// tapmeter run: meters live traffic and exports flow records until told to stop.
ExitCode run(const RunCommand& command, const CommonOptions& common, const LoadRequest& config);

}  // namespace tapmeter::verbs
