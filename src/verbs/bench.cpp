#include "src/verbs/bench.h"

#include <atomic>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>

#include "src/appliance/appliance.h"
#include "src/bench/memory_capture.h"
#include "src/bench/report.h"
#include "src/metrics/totals.h"
#include "src/verbs/configuration.h"
#include "src/verbs/outputs.h"
#include "src/verbs/signals.h"

namespace tapmeter::verbs {

namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 5ms;

// The program around one memory capture. `capture` belongs to the appliance.
struct Bench {
    const std::atomic<bool>& stop;  // a signal said so
    LiveClock clock;
    bench::MemoryCapture* capture = nullptr;
    std::unique_ptr<Appliance> appliance;
};

Result<std::unique_ptr<bench::MemoryCapture>> make_capture(bench::TrafficRequest traffic,
                                                           unsigned workers,
                                                           const LiveClock& clock) {
    std::vector<bench::Traffic> shares;
    for (unsigned worker = 0; worker < workers; ++worker) {
        traffic.worker = worker;
        auto share = bench::make_traffic(traffic);
        if (!share) {
            return tl::unexpected<Error>(std::move(share.error()));
        }
        shares.push_back(std::move(*share));
    }
    return std::make_unique<bench::MemoryCapture>(std::move(shares),
                                                  bench::MemorySource::Options{.clock = &clock});
}

Result<void> build(const Config& config, const bench::TrafficRequest& traffic, Bench& bench) {
    auto capture = make_capture(traffic, config.workers.count, bench.clock);
    if (!capture) {
        return tl::unexpected<Error>(std::move(capture.error()));
    }
    bench.capture = capture->get();
    Appliance::Parts parts;
    parts.config = config;
    Config::Capture in_memory;
    in_memory.name = "memory";
    in_memory.source = "gen:";  // no device
    parts.config.captures = {in_memory};
    auto outputs = open_outputs(config, interfaces_of(parts.config), complain);
    if (!outputs) {
        return tl::unexpected<Error>(std::move(outputs.error()));
    }
    parts.outputs = std::move(*outputs);
    parts.clock = &bench.clock;
    parts.captures.points.push_back(std::move(*capture));
    parts.captures.prefiltered.push_back(nullptr);
    parts.captures.same_symmetric_hash = true;
    auto appliance = Appliance::build(std::move(parts));
    if (!appliance) {
        return tl::unexpected<Error>(std::move(appliance.error()));
    }
    bench.appliance = std::move(*appliance);
    return {};
}

// Waits until `ready` of every source, or until told to stop; true: all are.
template <class Ready>
bool wait_for_sources(Bench& bench, const Ready& ready) {
    while (!bench.stop.load()) {
        bool all = true;
        for (std::size_t i = 0; i < bench.capture->queues(); ++i) {
            all = all && ready(bench.capture->source(i));
        }
        if (all) {
            return true;
        }
        std::this_thread::sleep_for(look_interval);
    }
    return false;
}

// A reading of every source, each taken by the thread that polls it; empty: told to stop.
std::vector<bench::Reading> read_all(Bench& bench) {
    for (std::size_t i = 0; i < bench.capture->queues(); ++i) {
        bench.capture->source(i).stopwatch().ask();
    }
    std::vector<bench::Reading> readings;
    if (!wait_for_sources(bench, [](auto& source) { return source.stopwatch().answered(); })) {
        return readings;
    }
    for (std::size_t i = 0; i < bench.capture->queues(); ++i) {
        readings.push_back(bench.capture->source(i).stopwatch().reading());
    }
    return readings;
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

// False: told to stop before there was anything to say.
bool run_once(Bench& bench, std::chrono::milliseconds duration, bench::Outcome& outcome) {
    if (!wait_for_sources(bench, [](auto& source) { return source.warm(); })) {
        return false;
    }
    const auto first = read_all(bench);
    const auto before = bench.appliance->snapshot();
    const auto end = std::chrono::steady_clock::now() + duration;
    while (!bench.stop.load() && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(look_interval);
    }
    const auto last = read_all(bench);
    const auto after = bench.appliance->snapshot();
    if (last.empty()) {
        return false;
    }
    for (std::size_t i = 0; i < first.size(); ++i) {
        outcome.workers.push_back(outcome_of(before.workers[i], after.workers[i]));
        outcome.workers.back().measured = bench::between(first[i], last[i]);
    }
    return true;
}

Result<bench::Outcome> run(const Config& config, const bench::TrafficRequest& traffic,
                           std::chrono::milliseconds duration, const std::atomic<bool>& stop) {
    Bench bench{.stop = stop, .clock = {}, .capture = nullptr, .appliance = nullptr};
    if (auto built = build(config, traffic, bench); !built) {
        return tl::unexpected<Error>(std::move(built.error()));
    }
    if (auto started = bench.appliance->start(); !started) {
        return tl::unexpected<Error>(std::move(started.error()));
    }
    bench::Outcome outcome;
    outcome.traffic = traffic;
    outcome.table = bench.appliance->describe().back();
    run_once(bench, duration, outcome);
    bench.appliance->stop(10s);
    outcome.books = bench.appliance->snapshot();
    outcome.balanced = metrics::balanced(metrics::laws(outcome.books));
    return outcome;
}

}  // namespace

ExitCode measure(const BenchCommand& command, const CommonOptions&, const LoadRequest& request) {
    block_signals();
    const auto loaded = load_or_explain(request);
    if (!loaded) {
        return ExitCode::refused;
    }
    std::atomic<bool> stop{false};
    const SignalWatch watch(
        {.stop = [&stop] { stop.store(true); }, .reload = {}, .print_books = {}});
    bool balanced = true;
    for (const std::uint32_t size : command.sizes) {
        const auto outcome = run(loaded->config,
                                 {.kind = command.kind,
                                  .flows = command.flows,
                                  .frame_size = size,
                                  .file = command.file},
                                 command.duration, stop);
        if (!outcome) {
            complain(outcome.error().message);
            return ExitCode::failed;
        }
        const std::string text = bench::outcome_as_text(*outcome);
        std::fwrite(text.data(), 1, text.size(), stdout);
        balanced = balanced && outcome->balanced;
    }
    return balanced ? ExitCode::done : ExitCode::answer_no;
}

}  // namespace tapmeter::verbs
