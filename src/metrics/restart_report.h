#pragma once

#include <nlohmann/json_fwd.hpp>

#include "src/metrics/families.h"
#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// What crashes have cost, as `restarts` of the books in JSON.
nlohmann::ordered_json restarts_json(const Restarts& restarts);

// The same as metrics, and whether applications are told.
void add_restarts(const Snapshot& snapshot, Families& families);

}  // namespace tapmeter::metrics
