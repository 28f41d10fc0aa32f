#pragma once

#include <vector>

#include "src/config/config.h"
#include "src/machine/finding.h"

namespace tapmeter::verbs {

// Looks at everything that a start with this configuration would need: interfaces, files, rights,
// cores, memory, collectors; and at the machine, for what would cost packets. Opens no capture and
// sends nothing.
std::vector<Finding> check_machine(const Config& config);

}  // namespace tapmeter::verbs
