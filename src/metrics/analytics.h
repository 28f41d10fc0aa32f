#pragma once

#include <nlohmann/json_fwd.hpp>

#include "src/metrics/families.h"
#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// What workers found in packets beside the counts: how TCP fares, tunnels. Nothing where no group
// of [analytics] has counted anything.
void add_analytics(const Snapshot& snapshot, Families& families);

// The same of one account of books.
nlohmann::ordered_json analytics_json(const flow::AnalyticsBooks& books);

void add_to(flow::AnalyticsBooks& total, const flow::AnalyticsBooks& books);

}  // namespace tapmeter::metrics
