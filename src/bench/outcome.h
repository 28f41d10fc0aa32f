#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/bench/made_traffic.h"
#include "src/bench/stages.h"
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
    std::optional<WorkerOutcome> alone;  // one worker without the others, to compare with
    std::vector<StageCost> stages;       // empty: not measured
    std::string table;                   // "1 worker; flow table: 264 MiB each on 2 MB pages, ..."
    metrics::Snapshot books;             // of the whole run, settled
    bool balanced = false;               // every law of them holds
};

// Packets arrived by the clock for a while.
struct PacedTrial {
    double packets_per_second = 0;  // of all workers together
    std::uint64_t offered = 0;
    std::uint64_t dropped = 0;  // found a receive ring full
    std::uint64_t refused = 0;  // records that found the exporter's ring full
    bool passed = false;
};

// A search for the highest rate without loss.
struct SearchOutcome {
    TrafficRequest traffic;
    unsigned workers = 1;
    std::uint32_t ring_slots = 0;
    std::chrono::milliseconds trial{};
    double max_loss = 0;               // share of the packets offered
    double packets_per_second = 0;     // found; 0: no rate passed
    std::vector<PacedTrial> trials{};  // in their order
    metrics::Snapshot books{};
    bool balanced = false;
};

// What a real port gave in a while.
struct LiveOutcome {
    std::vector<std::string> described;  // the captures and how they are used, a line each
    std::chrono::nanoseconds measured{};
    metrics::Snapshot before;  // while it ran: nothing is settled
    metrics::Snapshot after;
    metrics::Snapshot books;  // of the whole run, settled
    bool balanced = false;
};
// Packets of all interfaces between two looks.
struct LiveCounts {
    std::uint64_t offered = 0;
    std::uint64_t received = 0;
    std::uint64_t received_octets = 0;
    std::array<std::uint64_t, dropped_reasons> dropped{};
    std::uint64_t lost = 0;  // sum of them
};
LiveCounts counts_of(const LiveOutcome& outcome);

// "64 B", "IMIX".
std::string size_text(const TrafficRequest& traffic);
// "uniform, 64 B, 1 M flows"
std::string traffic_text(const TrafficRequest& traffic);
// "uniform/flows:1000000/size:64": stable, for programs.
std::string traffic_name(const TrafficRequest& traffic);

// Rates of an interval; 0 where nothing was measured.
double cpu_ns_per_packet(const Interval& interval) noexcept;
double wall_ns_per_packet(const Interval& interval) noexcept;
// With preamble, start delimiter, FCS and gap.
double wire_gigabits_per_second(const Interval& interval) noexcept;
double per_second(std::uint64_t count, const Interval& interval) noexcept;
// 1,000 / ns: what is so long each is so many millions a second.
double millions_per_second(double ns_each) noexcept;

// How much more all workers do than one alone: their millions of packets a second over its.
struct Scaling {
    double by_cpu = 0;
    double by_wall = 0;
};
Scaling scaling_of(const Outcome& outcome) noexcept;  // of an outcome with `alone`

// The CPU time of all workers over the packets of all.
double mean_cpu_ns(const Outcome& outcome) noexcept;

}  // namespace tapmeter::bench
