#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/bench/made_traffic.h"
#include "src/bench/stopwatch.h"
#include "src/metrics/snapshot.h"

namespace tapmeter::bench {

// What one worker did in the measured time.
struct WorkerOutcome {
    Interval measured;
    std::uint64_t flows_created = 0;
    std::uint64_t records = 0;  // emitted
    std::uint64_t refused = 0;  // records that found the ring full
    int core = -1;              // -1: not pinned
};

// One run: one traffic, one frame size.
struct Outcome {
    TrafficRequest traffic;  // of the first worker
    std::vector<WorkerOutcome> workers;
    std::string table;        // "264 MiB on 2 MB pages, hash AES"
    metrics::Snapshot books;  // of the whole run, settled
    bool balanced = false;    // every law of them holds
};

// "64 B", "IMIX".
std::string size_text(const TrafficRequest& traffic);
// "uniform, 1 M flows of 64 B"
std::string traffic_text(const TrafficRequest& traffic);

// Rates of an interval. By CPU time where the worker had to share its core, by wall else.
double cpu_ns_per_packet(const Interval& interval) noexcept;
double wall_ns_per_packet(const Interval& interval) noexcept;
double cycles_per_packet(const Interval& interval) noexcept;  // of the TSC, by wall
// With preamble, start delimiter, FCS and gap.
double wire_gigabits_per_second(const Interval& interval) noexcept;

}  // namespace tapmeter::bench
