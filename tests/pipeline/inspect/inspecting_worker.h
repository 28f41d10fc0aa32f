#pragma once

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/worker.h"
#include "tests/support/replay_source.h"

namespace tapmeter::testing {

using namespace std::chrono_literals;

// A worker that inspects, with its ring.
class InspectingWorker {
public:
    InspectingWorker(PacketSource& source, inspect::Inspector::Settings settings,
                     flow::Timeouts timeouts = {.idle = 30s, .active = 60s, .tcp_end = 2s},
                     std::size_t flows_max = 4'096, std::size_t metadata_max = 1'024,
                     std::size_t grows_to = 0)
        : worker_(parts(source, settings, timeouts, {flows_max, metadata_max, grows_to})) {}

    void run_to_the_end() {
        while (!worker_.exhausted()) {
            step();
        }
        while (!worker_.drain({})) {
            collect();
        }
        collect();
    }
    void step() {
        worker_.step();
        collect();
        const inspect::InspectionBooks books = this->books();
        EXPECT_EQ(books.flows, books.undecided + sum_of_ends());
    }
    Worker& worker() { return worker_; }
    inspect::ApplicationNames& names() { return names_; }
    inspect::InspectionBooks books() const { return worker_.books().inspection; }
    std::uint64_t ended(flow::Inspection how) const {
        return books().ended[static_cast<std::size_t>(how)];
    }
    std::uint64_t sum_of_ends() const {
        const auto ended = books().ended;
        return std::accumulate(ended.begin(), ended.end(), std::uint64_t{0});
    }
    const std::vector<flow::FlowRecord>& records() const { return records_; }
    std::vector<std::string> labels() const {
        std::vector<std::string> labels;
        for (const flow::FlowRecord& record : records_) {
            labels.push_back(names_.label(record.application));
        }
        return labels;
    }

private:
    struct Most {
        std::size_t flows;
        std::size_t metadata;
        std::size_t grows_to;
    };
    Worker::Parts parts(PacketSource& source, inspect::Inspector::Settings settings,
                        flow::Timeouts timeouts, Most most) {
        auto table = std::move(*flow::FlowTable::make(
            {.flows_max = most.flows, .pages = Region::Wanted::small, .populate = false}));
        settings.flow_places = table.places();
        auto dissector =
            std::move(*inspect::Dissector::load({.states_max = settings.states_max}, names_));
        auto content = std::move(*inspect::ContentReader::make(
            {.states_max = settings.states_max,
             .extractor = {.streams = {.windows_max = 16}, .metadata_max = most.metadata}},
            nullptr));
        return {.source = source,
                .ring = ring_,
                .table = std::move(table),
                .table_grows_to = {.flows_max = most.grows_to,
                                   .pages = Region::Wanted::small,
                                   .populate = false},
                .hash_key = {1, 2},
                .timeouts = timeouts,
                .flows_max = most.flows,
                .inspector = std::move(
                    *inspect::Inspector::make(settings, std::move(dissector), std::move(content)))};
    }
    void collect() {
        for (auto some = ring_.readable(); !some.empty(); some = ring_.readable()) {
            records_.insert(records_.end(), some.begin(), some.end());
            ring_.consume(some.size());
        }
    }

    inspect::ApplicationNames names_;
    RecordRing ring_{1'024};
    Worker worker_;
    std::vector<flow::FlowRecord> records_;
};

inline constexpr flow::Timeouts few_seconds{.idle = 30s, .active = 60s, .tcp_end = 2s};

inline std::vector<TimedFrame> timed(const std::vector<Frame>& frames, Nanoseconds step = 1us) {
    std::vector<TimedFrame> result;
    for (const Frame& frame : frames) {
        result.push_back({frame, 1'000s + step * static_cast<std::int64_t>(result.size())});
    }
    return result;
}

}  // namespace tapmeter::testing
