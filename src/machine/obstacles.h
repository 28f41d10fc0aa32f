#pragma once

#include <vector>

#include "src/machine/facts.h"
#include "src/machine/finding.h"
#include "src/machine/needs.h"

namespace tapmeter::machine {

// Every obstacle between this machine and those needs by name, with its cure; and in one line each
// what is as it should be. What the machine does not tell is left out. Pure.
std::vector<Finding> find_obstacles(const Needs& needs, const Facts& facts);

}  // namespace tapmeter::machine
