#pragma once

#include <string>

#include "src/bench/machine.h"
#include "src/bench/outcome.h"

namespace tapmeter::bench {

// One run for a reader: a line that says it all, a row for each worker, where the time goes, the
// books in one line.
std::string outcome_as_text(const Outcome& outcome, const Machine& machine);

// The rate found, and every trial on the way to it.
std::string search_as_text(const SearchOutcome& outcome);

// What came, what was lost under which name, and what the workers did with it.
std::string live_as_text(const LiveOutcome& outcome, const Machine& machine);

// The laws that do not hold, a line each with both sides.
std::string broken_laws_as_text(const metrics::Snapshot& books);

// The machine and the build, so that a reader can tell whether two results may be compared.
std::string machine_as_text(const Machine& machine);

}  // namespace tapmeter::bench
