#include "src/verbs/bench.h"

#include <atomic>
#include <cstdio>
#include <utility>

#include "src/bench/report.h"
#include "src/bench/report_json.h"
#include "src/bench/stages.h"
#include "src/verbs/bench_trial.h"
#include "src/verbs/configuration.h"
#include "src/verbs/signals.h"

namespace tapmeter::verbs {

namespace {

// What stays the same from run to run.
struct Setting {
    const BenchCommand& command;
    const Config& config;
    const bench::Machine& machine;
    const std::atomic<bool>& stop;
};

bench::TrafficRequest traffic_of(const BenchCommand& command, std::uint32_t size) {
    return {.kind = command.kind,
            .flows = command.flows,
            .frame_size = size,
            .file = command.file,
            .packets_min = bench::TrafficRequest{}.packets_min,
            .worker = 0};
}

Region::Wanted pages_of(const Config& config) {
    return config.memory.hugepages == Config::Switch::on    ? Region::Wanted::huge
           : config.memory.hugepages == Config::Switch::off ? Region::Wanted::small
                                                            : Region::Wanted::automatic;
}

Result<void> run_workers(const Setting& setting, bench::Outcome& outcome, unsigned workers) {
    auto trial = MemoryTrial::make(
        {.config = setting.config, .traffic = outcome.traffic, .workers = workers}, setting.stop);
    if (!trial) {
        return tl::unexpected<Error>(std::move(trial.error()));
    }
    if (auto warm = (*trial)->warm_up(); !warm) {
        return warm;
    }
    auto measured = (*trial)->measure(setting.command.duration);
    if (workers != setting.command.workers) {
        if (!measured.empty()) {
            outcome.alone = measured.front();
        }
    } else {
        outcome.workers = std::move(measured);
        outcome.table = (*trial)->table();
    }
    const metrics::Snapshot books = (*trial)->finish();
    const bool balanced = metrics::balanced(metrics::laws(books));
    if (outcome.balanced || !balanced) {
        outcome.books = books;  // the last ones, or those to be shown
    }
    outcome.balanced = outcome.balanced && balanced;
    return {};
}

Result<void> run_stages(const Setting& setting, bench::Outcome& outcome) {
    auto traffic = bench::make_traffic(outcome.traffic);
    if (!traffic) {
        return tl::unexpected<Error>(std::move(traffic.error()));
    }
    const Config::Flow& flow = setting.config.flow;
    auto stages =
        bench::measure_stages(std::move(*traffic), {.table = {.flows_max = flow.flows_max,
                                                              .pages = pages_of(setting.config),
                                                              .populate = true},
                                                    .timeouts = {.idle = flow.idle_timeout,
                                                                 .active = flow.active_timeout,
                                                                 .tcp_end = flow.tcp_end_timeout},
                                                    .vlan_in_key = flow.vlan_in_key});
    if (!stages) {
        return tl::unexpected<Error>(std::move(stages.error()));
    }
    outcome.stages = std::move(*stages);
    return {};
}

Result<bench::Outcome> run_size(const Setting& setting, std::uint32_t size) {
    bench::Outcome outcome;
    outcome.traffic = traffic_of(setting.command, size);
    outcome.balanced = true;
    Result<void> done;
    if (setting.command.workers > 1) {
        done = run_workers(setting, outcome, 1);
    }
    if (done && !setting.stop.load()) {
        done = run_workers(setting, outcome, setting.command.workers);
    }
    if (done && !setting.stop.load() && setting.command.stages) {
        done = run_stages(setting, outcome);
    }
    if (!done) {
        return tl::unexpected<Error>(std::move(done.error()));
    }
    return outcome;
}

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

ExitCode run_all(const Setting& setting, bool as_json) {
    std::vector<bench::Outcome> outcomes;
    bool balanced = true;
    for (const std::uint32_t size : setting.command.sizes) {
        auto outcome = run_size(setting, size);
        if (!outcome) {
            complain(outcome.error().message);
            return ExitCode::failed;
        }
        if (!as_json) {
            print(bench::outcome_as_text(*outcome, setting.machine));
        }
        balanced = balanced && outcome->balanced;
        outcomes.push_back(std::move(*outcome));
        if (setting.stop.load()) {
            break;
        }
    }
    print(as_json ? bench::outcomes_as_json(outcomes, setting.machine)
                  : bench::machine_as_text(setting.machine));
    return balanced ? ExitCode::done : ExitCode::answer_no;
}

}  // namespace

ExitCode measure(const BenchCommand& command, const CommonOptions& common,
                 const LoadRequest& request) {
    block_signals();
    const auto loaded = load_or_explain(request);
    if (!loaded) {
        return ExitCode::refused;
    }
    std::atomic<bool> stop{false};
    const SignalWatch watch(
        {.stop = [&stop] { stop.store(true); }, .reload = {}, .print_books = {}});
    const bench::Machine machine = bench::read_machine();
    return run_all({command, loaded->config, machine, stop}, common.output == OutputFormat::json);
}

}  // namespace tapmeter::verbs
