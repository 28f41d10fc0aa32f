#pragma once

#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

// tapmeter devices: what is there to capture on, and the best way to do it. Attaches nothing.
ExitCode devices(const CommonOptions& common);

}  // namespace tapmeter::verbs
