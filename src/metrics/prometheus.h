#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// What a scrape tells beside the snapshot.
struct Surroundings {
    struct Requests {
        std::string route;  // of the fixed table of routes, or "other"
        std::string code;   // "2xx", "4xx", "5xx"
        std::uint64_t count = 0;
    };
    std::uint64_t reloads_ok = 0;
    std::uint64_t reloads_failed = 0;
    std::vector<Requests> requests;
};

// The snapshot in Prometheus' text format 0.0.4. Every label value comes from the configuration or
// from a fixed table, never from the traffic, so the number of series is bounded by the number of
// interfaces, queues, workers and outputs. Reads /proc and the allocator: any thread but a worker.
std::string prometheus_text(const Snapshot& snapshot, const Surroundings& surroundings);

}  // namespace tapmeter::metrics
