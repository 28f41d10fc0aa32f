#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "pipeline/worker.h"
#include "tests/support/replay_source.h"

namespace tapmeter::testing {

// What a worker needs besides a source, small enough for a test.
struct WorkerSetup {
    std::size_t flows_max = 4'096;
    std::size_t grows_to = 0;  // as Worker::Parts::table_grows_to; 0: the table stays
    std::size_t ring_capacity = 1'024;
    flow::Timeouts timeouts{.idle = std::chrono::seconds(30),
                            .active = std::chrono::seconds(60),
                            .tcp_end = std::chrono::seconds(2)};
    const LiveClock* clock = nullptr;
    std::uint16_t number = 0;
    LoadLevels load{};
    Admission::Limits admission{};
    flow::Analytics::Settings analytics{};    // but for `flow_places`
    flow::Duplicates::Settings duplicates{};  // by Observation Point
    std::vector<PacketSampler*> samplers{};
};

// A worker with its ring; collects its records as an exporter core would.
class WorkerBench {
public:
    WorkerBench(PacketSource& source, const WorkerSetup& setup)
        : ring_(setup.ring_capacity, {0, setup.ring_capacity, setup.ring_capacity,
                                      setup.ring_capacity, setup.ring_capacity}),
          worker_({.source = source,
                   .ring = ring_,
                   .clock = setup.clock,
                   .table = std::move(*flow::FlowTable::make({.flows_max = setup.flows_max,
                                                              .pages = Region::Wanted::small,
                                                              .populate = false,
                                                              .beside_octets = beside(setup)})),
                   .table_grows_to = {.flows_max = setup.grows_to,
                                      .pages = Region::Wanted::small,
                                      .populate = false,
                                      .beside_octets = beside(setup)},
                   .hash_key = {1, 2},
                   .timeouts = setup.timeouts,
                   .number = setup.number,
                   .load = setup.load,
                   .admission = setup.admission,
                   .flows_max = setup.flows_max,
                   .analytics = analytics_of(setup),
                   .duplicates = duplicates_of(setup),
                   .samplers = setup.samplers}) {}

    Worker& worker() { return worker_; }
    WorkerBooks books() const { return worker_.books(); }

    // Takes what the ring holds.
    void collect() {
        std::array<RecordRing::Parts, 64> storage;
        for (auto some = ring_.readable(storage); !some.records.empty();
             some = ring_.readable(storage)) {
            for (std::size_t i = 0; i < some.records.size(); ++i) {
                records_.push_back(some.records[i]);
                keep(some.part_of<flow::TcpReport>(i), tcp_reports_);
                keep(some.part_of<flow::TunnelReport>(i), tunnel_reports_);
                keep(some.part_of<flow::BehaviourReport>(i), behaviour_reports_);
                keep(some.part_of<flow::PayloadReport>(i), payload_reports_);
            }
            ring_.consume(some.records.size());
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
    // Beside each record; nothing where it has none.
    const auto& tcp_reports() const { return tcp_reports_; }
    const auto& tunnel_reports() const { return tunnel_reports_; }
    const auto& behaviour_reports() const { return behaviour_reports_; }
    const auto& payload_reports() const { return payload_reports_; }

private:
    template <class Report>
    static void keep(const Report* report, std::vector<std::optional<Report>>& in) {
        in.push_back(report == nullptr ? std::nullopt : std::optional(*report));
    }
    static std::size_t beside(const WorkerSetup& setup) {
        return setup.analytics.beside_flow_octets();
    }
    static std::unique_ptr<flow::Analytics> analytics_of(const WorkerSetup& setup) {
        flow::Analytics::Settings settings = setup.analytics;
        settings.flow_places = flow::FlowTable::places_for(setup.flows_max);
        return settings.any() ? std::move(*flow::Analytics::make(settings)) : nullptr;
    }
    static std::unique_ptr<flow::Duplicates> duplicates_of(const WorkerSetup& setup) {
        return setup.duplicates.any() ? std::move(*flow::Duplicates::make(setup.duplicates, {3, 4}))
                                      : nullptr;
    }

    RecordRing ring_;
    Worker worker_;
    std::vector<flow::FlowRecord> records_;
    std::vector<std::optional<flow::TcpReport>> tcp_reports_;
    std::vector<std::optional<flow::TunnelReport>> tunnel_reports_;
    std::vector<std::optional<flow::BehaviourReport>> behaviour_reports_;
    std::vector<std::optional<flow::PayloadReport>> payload_reports_;
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
    Traffic put_in = books.metered;
    put_in += books.adopted;
    if (!(put_in == fates)) {
        return "metered + adopted = emitted + refused + in_table";
    }
    if (books.flows_created + books.flows_adopted != books.flows_active + sum(books.flows_ended)) {
        return "flows_created + flows_adopted = flows_active + flows_ended";
    }
    if (sum(books.records_emitted) + books.records_refused !=
        sum(books.flows_ended) + books.active_cuts - books.ended_empty) {
        return "records";
    }
    if (books.analytics.segments !=
        books.analytics.segments_seen + sum(books.analytics.segments_skipped)) {
        return "TCP segments = looked at + skipped";
    }
    return books.flows_active == 0 && !(books.in_table == Traffic{}) ? "in_table" : "";
}

}  // namespace tapmeter::testing
