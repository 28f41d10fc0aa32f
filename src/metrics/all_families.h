#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "src/metrics/prometheus.h"
#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// Every family of /metrics with its series: what prometheus_text() and influx_lines() write, each
// in its own way. Reads /proc and the allocator: any thread but a worker.
std::vector<prometheus::MetricFamily> all_families(const Snapshot& snapshot,
                                                   const Surroundings& surroundings);

}  // namespace tapmeter::metrics
