#pragma once

#include "src/config/load.h"
#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

// tapmeter check: is the configuration right, and can this machine run it? Starts nothing and
// changes nothing; every obstacle comes with its cure.
ExitCode check(const CheckCommand& command, const CommonOptions& common, const LoadRequest& config);

}  // namespace tapmeter::verbs
