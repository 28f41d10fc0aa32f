#pragma once

#include "src/config/load.h"
#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

// tapmeter demo: the whole program at work on made-up conversations; needs no network, no root.
ExitCode demo(const DemoCommand& command, const CommonOptions& common, LoadRequest config);

}  // namespace tapmeter::verbs
