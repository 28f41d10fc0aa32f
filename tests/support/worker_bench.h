#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "pipeline/worker.h"
#include "tests/support/replay_source.h"

namespace tapmeter::testing {

// What a worker needs besides a source, small enough for a test.
struct WorkerSetup {
    std::size_t flows_max = 4'096;
    std::size_t ring_capacity = 1'024;
    flow::Timeouts timeouts{.idle = std::chrono::seconds(30),
                            .active = std::chrono::seconds(60),
                            .tcp_end = std::chrono::seconds(2)};
    const LiveClock* clock = nullptr;
    std::uint16_t number = 0;
    LoadLevels load{};
    Admission::Limits admission{};
};

// A worker with its ring; collects its records as an exporter core would.
class WorkerBench {
public:
    WorkerBench(PacketSource& source, const WorkerSetup& setup)
        : ring_(setup.ring_capacity),
          worker_({.source = source,
                   .ring = ring_,
                   .clock = setup.clock,
                   .table = std::move(*flow::FlowTable::make({.flows_max = setup.flows_max,
                                                              .pages = Region::Wanted::small,
                                                              .populate = false})),
                   .hash_key = {1, 2},
                   .timeouts = setup.timeouts,
                   .number = setup.number,
                   .load = setup.load,
                   .admission = setup.admission,
                   .flows_max = setup.flows_max}) {}

    Worker& worker() { return worker_; }
    WorkerBooks books() const { return worker_.books(); }

    // Takes what the ring holds.
    void collect() {
        for (auto some = ring_.readable(); !some.empty(); some = ring_.readable()) {
            records_.insert(records_.end(), some.begin(), some.end());
            ring_.consume(some.size());
        }
    }
    void run_to_the_end() {
        while (!worker_.exhausted()) {
            worker_.step();
            collect();
        }
        drain({});
    }
    void drain(ObservedAt end) {
        while (!worker_.drain(end)) {
            collect();
        }
        collect();
    }
    const std::vector<flow::FlowRecord>& records() const { return records_; }

private:
    RecordRing ring_;
    Worker worker_;
    std::vector<flow::FlowRecord> records_;
};

// The laws of one worker's books; empty when all hold, else the first that does not.
inline std::string broken_law(const WorkerBooks& books) {
    const auto sum = [](const auto& counts) {
        std::uint64_t total = 0;
        for (const std::uint64_t count : counts) {
            total += count;
        }
        return total;
    };
    Traffic ignored{};
    for (const Traffic& one : books.ignored) {
        ignored += one;
    }
    if (books.received_packets + books.folded.packets !=
        books.metered.packets + ignored.packets + sum(books.non_ip) + sum(books.undecoded) +
            books.waiting.packets) {
        return "received + folded = metered + ignored + non_ip + undecoded + waiting";
    }
    if (books.received_octets + books.folded.layer2_octets !=
        books.metered.layer2_octets + ignored.layer2_octets + books.unmetered_octets +
            books.waiting.layer2_octets) {
        return "received octets";
    }
    Traffic fates = books.emitted;
    fates += books.refused;
    fates += books.in_table;
    if (!(books.metered == fates)) {
        return "metered = emitted + refused + in_table";
    }
    if (books.flows_created != books.flows_active + sum(books.flows_ended)) {
        return "flows_created = flows_active + flows_ended";
    }
    if (sum(books.records_emitted) + books.records_refused !=
        sum(books.flows_ended) + books.active_cuts - books.ended_empty) {
        return "records";
    }
    return books.flows_active == 0 && !(books.in_table == Traffic{}) ? "in_table" : "";
}

}  // namespace tapmeter::testing
