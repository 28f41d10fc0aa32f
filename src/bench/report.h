#pragma once

#include <string>
#include <vector>

#include "src/bench/machine.h"
#include "src/bench/outcome.h"

namespace tapmeter::bench {

// One run for a reader: a line that says it all, a row for each worker, where the time goes, the
// books in one line.
std::string outcome_as_text(const Outcome& outcome, const Machine& machine);

// The machine and the build, so that a reader can tell whether two results may be compared.
std::string machine_as_text(const Machine& machine);

}  // namespace tapmeter::bench
