#pragma once

#include "src/verbs/run.h"

namespace tapmeter::verbs {

// tapmeter demo: the whole program at work on made-up conversations; needs no network, no root.
// Returns the exit code.
int demo(RunRequest request);

}  // namespace tapmeter::verbs
