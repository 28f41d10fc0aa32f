#pragma once

#include <string>
#include <vector>

#include "src/bench/outcome.h"

namespace tapmeter::bench {

// One run for a reader: a line that says it all, a row for each worker, the books in one line.
std::string outcome_as_text(const Outcome& outcome);

}  // namespace tapmeter::bench
