#include "src/verbs/bench_trial.h"

#include <thread>
#include <utility>

#include "src/metrics/totals.h"
#include "src/verbs/configuration.h"
#include "src/verbs/outputs.h"

namespace tapmeter::verbs {

namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 5ms;
constexpr auto outputs_within = 10s;

Result<std::unique_ptr<bench::MemoryCapture>> make_capture(
    bench::TrafficRequest traffic, unsigned workers, const bench::MemorySource::Options& options) {
    std::vector<bench::Traffic> shares;
    for (unsigned worker = 0; worker < workers; ++worker) {
        traffic.worker = worker;
        auto share = bench::make_traffic(traffic);
        if (!share) {
            return tl::unexpected<Error>(std::move(share.error()));
        }
        shares.push_back(std::move(*share));
    }
    return std::make_unique<bench::MemoryCapture>(std::move(shares), options);
}

bench::WorkerOutcome outcome_of(const metrics::Snapshot::Worker& before,
                                const metrics::Snapshot::Worker& after) {
    return {.measured = {},
            .flows_created = after.books.flows_created - before.books.flows_created,
            .records = metrics::sum(after.books.records_emitted) -
                       metrics::sum(before.books.records_emitted),
            .refused = after.books.records_refused - before.books.records_refused,
            .core = after.core};
}

}  // namespace

Result<std::unique_ptr<MemoryTrial>> MemoryTrial::make(const Request& request,
                                                       const std::atomic<bool>& stop) {
    std::unique_ptr<MemoryTrial> trial(new MemoryTrial(stop));
    if (auto built = trial->build(request); !built) {
        return tl::unexpected<Error>(std::move(built.error()));
    }
    return trial;
}

Result<void> MemoryTrial::build(const Request& request) {
    auto capture = make_capture(request.traffic, request.workers,
                                {.clock = &clock_, .ring_slots = request.ring_slots});
    if (!capture) {
        return tl::unexpected<Error>(std::move(capture.error()));
    }
    capture_ = capture->get();
    using Kind = bench::TrafficRequest::Kind;
    flows_end_ = request.traffic.kind == Kind::imix || request.traffic.kind == Kind::file;
    lingering_ = request.config.flow.tcp_end_timeout;

    Appliance::Parts parts;
    parts.config = request.config;
    parts.config.workers.count = request.workers;
    Config::Capture in_memory;
    in_memory.name = "memory";
    in_memory.source = "memory";
    parts.config.captures = {in_memory};
    auto outputs = open_outputs(parts.config, interfaces_of(parts.config), complain);
    if (!outputs) {
        return tl::unexpected<Error>(std::move(outputs.error()));
    }
    parts.outputs = std::move(*outputs);
    parts.clock = &clock_;
    parts.captures.points.push_back(std::move(*capture));
    parts.captures.prefiltered.push_back(nullptr);
    parts.captures.same_symmetric_hash = true;
    auto appliance = Appliance::build(std::move(parts));
    if (!appliance) {
        return tl::unexpected<Error>(std::move(appliance.error()));
    }
    appliance_ = std::move(*appliance);
    return {};
}

Result<void> MemoryTrial::warm_up() {
    if (auto started = appliance_->start(); !started) {
        return started;
    }
    wait_for_sources([](const bench::MemorySource& source) { return source.warm(); });
    if (flows_end_) {
        wait(lingering_ + 500ms);  // as many flows leave the table as come
    }
    return {};
}

// Waits until `ready` of every source. False: told to stop.
template <class Ready>
bool MemoryTrial::wait_for_sources(const Ready& ready) {
    while (!stop_.load()) {
        bool all = true;
        for (std::size_t i = 0; i < capture_->queues(); ++i) {
            all = all && ready(capture_->source(i));
        }
        if (all) {
            return true;
        }
        std::this_thread::sleep_for(look_interval);
    }
    return false;
}

void MemoryTrial::wait(std::chrono::milliseconds duration) const {
    const auto end = std::chrono::steady_clock::now() + duration;
    while (!stop_.load() && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(look_interval);
    }
}

// A reading of every source, each taken by the thread that polls it; none: told to stop.
std::vector<bench::Reading> MemoryTrial::read_all() {
    for (std::size_t i = 0; i < capture_->queues(); ++i) {
        capture_->source(i).stopwatch().ask();
    }
    std::vector<bench::Reading> readings;
    if (!wait_for_sources([](auto& source) { return source.stopwatch().answered(); })) {
        return readings;
    }
    for (std::size_t i = 0; i < capture_->queues(); ++i) {
        readings.push_back(capture_->source(i).stopwatch().reading());
    }
    return readings;
}

std::vector<bench::WorkerOutcome> MemoryTrial::measure(std::chrono::milliseconds duration) {
    const auto first = read_all();
    const auto before = appliance_->snapshot();
    wait(duration);
    const auto last = read_all();
    const auto after = appliance_->snapshot();
    std::vector<bench::WorkerOutcome> workers;
    for (std::size_t i = 0; i < first.size() && i < last.size(); ++i) {
        workers.push_back(outcome_of(before.workers[i], after.workers[i]));
        workers.back().measured = bench::between(first[i], last[i]);
    }
    return workers;
}

bench::PacedTrial MemoryTrial::pace(std::int64_t packets_per_second,
                                    std::chrono::milliseconds duration) {
    const auto set_rate = [this](std::int64_t rate) {
        for (std::size_t i = 0; i < capture_->queues(); ++i) {
            capture_->source(i).ring().set_rate(rate);
        }
        wait_for_sources([rate](auto& source) { return source.ring().follows(rate); });
    };
    set_rate(bench::ReceiveRing::silent);
    const auto before = appliance_->snapshot();
    set_rate(packets_per_second);
    wait(duration);
    set_rate(bench::ReceiveRing::silent);
    wait_for_sources([](auto& source) { return source.ring().waiting() == 0; });
    wait(look_interval);  // the last burst is metered
    const auto after = appliance_->snapshot();

    const CaptureCounters& first = before.interfaces.front().counters;
    const CaptureCounters& last = after.interfaces.front().counters;
    return {.packets_per_second = static_cast<double>(packets_per_second),
            .offered = last.offered.value - first.offered.value,
            .dropped = metrics::sum(last.dropped) - metrics::sum(first.dropped),
            .refused = metrics::all_workers(after).records_refused -
                       metrics::all_workers(before).records_refused,
            .passed = false};
}

metrics::Snapshot MemoryTrial::finish() {
    appliance_->stop(outputs_within);
    return appliance_->snapshot();
}

}  // namespace tapmeter::verbs
