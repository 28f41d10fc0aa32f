#pragma once

#include "src/metrics/families.h"
#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// What each output has taken, sent and lost.
void add_outputs(const Snapshot& snapshot, Families& families);

}  // namespace tapmeter::metrics
