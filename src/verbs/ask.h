#pragma once

#include "src/config/load.h"
#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

// tapmeter ctl: asks the running instance behind the socket or URL that the command line names,
// else behind the socket of the configuration.
ExitCode ask(const CtlCommand& command, const CommonOptions& common, const LoadRequest& config);

}  // namespace tapmeter::verbs
