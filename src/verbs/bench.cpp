#include "src/verbs/bench.h"

#include <atomic>
#include <cstdio>
#include <utility>

#include "src/bench/report.h"
#include "src/bench/report_json.h"
#include "src/bench/stages.h"
#include "src/metrics/totals.h"
#include "src/verbs/bench_live.h"
#include "src/verbs/bench_search.h"
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
            .packets_min = command.packets_min,
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
                                                    .vlan_in_key = flow.vlan_in_key,
                                                    .packets = setting.command.packets_min / 4});
    if (!stages) {
        return tl::unexpected<Error>(std::move(stages.error()));
    }
    outcome.stages = std::move(*stages);
    return {};
}

Result<void> run_size(const Setting& setting, std::uint32_t size, bench::Results& results) {
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
    results.outcomes.push_back(std::move(outcome));
    return done;
}

Result<void> run_search(const Setting& setting, std::uint32_t size, bench::Results& results) {
    auto outcome = search_zero_loss({.config = setting.config,
                                     .traffic = traffic_of(setting.command, size),
                                     .workers = setting.command.workers,
                                     .ring_slots = setting.command.ring_slots},
                                    setting.command, setting.stop);
    if (!outcome) {
        return tl::unexpected<Error>(std::move(outcome.error()));
    }
    results.searches.push_back(std::move(*outcome));
    return {};
}

Result<void> run_live(const Setting& setting, bench::Results& results) {
    auto outcome = measure_live(setting.config, setting.command, setting.stop);
    if (!outcome) {
        return tl::unexpected<Error>(std::move(outcome.error()));
    }
    results.live.push_back(std::move(*outcome));
    return {};
}

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

// What was measured last, in words.
std::string last_as_text(const bench::Results& results, const bench::Machine& machine) {
    if (!results.live.empty()) {
        return bench::live_as_text(results.live.back(), machine);
    }
    return results.searches.empty() ? bench::outcome_as_text(results.outcomes.back(), machine)
                                    : bench::search_as_text(results.searches.back());
}

Result<void> run_all(const Setting& setting, bool as_json, bench::Results& results) {
    const BenchCommand& command = setting.command;
    if (!command.sources.empty()) {
        auto done = run_live(setting, results);
        if (done && !as_json) {
            print(last_as_text(results, setting.machine));
        }
        return done;
    }
    for (const std::uint32_t size : command.sizes) {
        auto done =
            command.search ? run_search(setting, size, results) : run_size(setting, size, results);
        if (!done) {
            return done;
        }
        if (!as_json) {
            print(last_as_text(results, setting.machine));
        }
        if (setting.stop.load()) {
            break;
        }
    }
    return {};
}

// The answer is no where a law does not hold, no rate passed, or more was lost than was allowed.
ExitCode answer_of(const bench::Results& results, const BenchCommand& command) {
    bool yes = true;
    for (const bench::Outcome& outcome : results.outcomes) {
        yes = yes && outcome.balanced;
    }
    for (const bench::SearchOutcome& search : results.searches) {
        yes = yes && search.balanced && search.packets_per_second > 0;
    }
    for (const bench::LiveOutcome& live : results.live) {
        const bench::LiveCounts counts = bench::counts_of(live);
        const bool lossy = metrics::ratio(counts.lost, counts.offered) > command.max_loss;
        yes = yes && live.balanced && !(command.max_loss_given && lossy);
    }
    return yes ? ExitCode::done : ExitCode::answer_no;
}

}  // namespace

ExitCode measure(const BenchCommand& command, const CommonOptions& common,
                 const LoadRequest& request) {
    block_signals();
    if (common.output == OutputFormat::csv) {
        complain("bench has no CSV: a result without its machine says nothing; use -o json");
        return ExitCode::refused;
    }
    const auto loaded = load_or_explain(request);
    if (!loaded) {
        return ExitCode::refused;
    }
    std::atomic<bool> stop{false};
    const SignalWatch watch(
        {.stop = [&stop] { stop.store(true); }, .reload = {}, .print_books = {}});
    const bench::Machine machine = bench::read_machine();
    const bool as_json = common.output == OutputFormat::json;
    if (command.external) {
        const std::string lines = generator_lines(command);
        std::fwrite(lines.data(), 1, lines.size(), stderr);  // standard output carries data only
    }
    bench::Results results;
    if (auto done = run_all({command, loaded->config, machine, stop}, as_json, results); !done) {
        complain(done.error().message);
        return ExitCode::failed;
    }
    print(as_json ? bench::results_as_json(results, machine) : bench::machine_as_text(machine));
    return answer_of(results, command);
}

}  // namespace tapmeter::verbs
