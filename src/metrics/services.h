#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "src/metrics/families.h"
#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// The key figures of the services that [[kpi.service]] names: series of /metrics, labelled with
// those names; a table for a reader at a terminal; a list for programs. Nothing where there is
// no such block.
void add_services(const Snapshot& snapshot, Families& families);
std::string services_as_text(const Snapshot& snapshot);
nlohmann::ordered_json services_json(const Snapshot& snapshot);

}  // namespace tapmeter::metrics
