#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/base/source.h"
#include "pipeline/books.h"
#include "src/exporting/output.h"
#include "src/exporting/service_totals.h"
#include "src/metrics/restarts.h"
#include "src/saving/packet_writer.h"
#include "src/saving/recall_writer.h"

namespace tapmeter::metrics {

// One look at all counters of the running program: each account is one consistent cut of its own.
// The accounts are read one after the other, against the road of the packets (src/metrics/look.h),
// so nothing can seem to have left a stage that has not yet entered it.
struct Snapshot {
    struct Interface {
        std::string name;
        std::string describe;  // "AF_XDP native on eth1, 4 queues"
        CaptureCounters counters;
        std::vector<SourceCounters> queues;
        double queue_skew = 1;  // busiest queue to the mean of all, in the last second or more
        std::vector<DeviceQueueCounters> device_queues;  // empty where the device does not tell
        std::uint64_t packets_meanwhile = 0;  // newly offered or received while we looked
    };
    struct Worker {
        WorkerBooks books;
        std::uint64_t flows_max = 0;
        std::uint64_t table_octets = 0;       // memory reserved for the flow table
        int core = -1;                        // -1: not pinned
        std::uint64_t records_meanwhile = 0;  // newly emitted while we looked
    };
    struct Ring {  // worker k's ring to the exporter core
        std::uint64_t capacity = 0;
        std::uint64_t waiting = 0;
        std::uint64_t alerts_waiting = 0;
        exporting::RecordTotals taken;  // by the exporter core from this ring
    };
    struct Output {
        std::string name;
        exporting::OutputCounters counters;
        // Emitted by workers of data paths that crashed, and not known to have left here.
        exporting::RecordTotals lost_in_restarts;
    };
    struct ApplicationTotal {
        std::string name;  // "Google"; of the label's last part
        std::uint64_t packets = 0;
        std::uint64_t octets = 0;  // layer 3
    };
    struct Pushes {  // of the counters, to a database
        std::uint64_t done = 0;
        std::uint64_t failed = 0;  // in part or as a whole
        std::uint64_t octets = 0;
    };
    std::vector<Interface> interfaces;
    std::vector<ApplicationTotal> applications;             // the largest first
    std::vector<exporting::ServiceTotals::Total> services;  // as configured
    std::vector<Worker> workers;
    std::vector<Ring> rings;
    std::vector<Output> outputs;
    std::optional<saving::WriterBooks> writer;   // of packets; none: no packet is written
    std::optional<saving::RecallBooks> recalls;  // none: there is no history
    std::optional<Pushes> pushes;                // none: nothing is pushed
    bool steered = false;         // packets come to the workers by software, not by their queue
    double queue_skew_warm = 64;  // from here on a skew is a cause for warm
    std::uint64_t steering_waiting = 0;  // packets between a steering core and its workers
    std::uint64_t shunt_waiting = 0;     // packets of shunted flows, counted and not folded yet
    bool settled = false;  // nothing is in flight any more: every law must hold to the packet
    Restarts restarts;
    double uptime_seconds = 0;
    double start_time_seconds = 0;  // since 1970-01-01 UTC
};

// One conservation law, evaluated: the packets, records or octets on both sides.
struct Law {
    std::string name;      // "interface p0: offered packets", "worker 2: metered octets"; stable
    std::string key;       // the law's short name for the metric label: "offered", "metered", ...
    std::string equation;  // "offered = received + shunted + waiting + dropped + ignored"
    std::uint64_t left = 0;
    std::uint64_t right = 0;
    // 0: the law holds. While packets are in flight a law that spans two threads may be late by
    // what fits between them; that allowance is already taken off here.
    std::uint64_t imbalance = 0;
};

// All laws that apply to what the snapshot holds. Pure.
std::vector<Law> laws(const Snapshot& snapshot);

bool balanced(const std::vector<Law>& laws);

}  // namespace tapmeter::metrics
