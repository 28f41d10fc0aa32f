#include "src/bench/report_json.h"

#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "src/metrics/totals.h"

namespace tapmeter::bench {

namespace {

using Json = nlohmann::ordered_json;

std::string date_text() {
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+00:00", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

Json context_of(const Machine& machine) {
    constexpr double mhz_per_ghz = 1e3;
    Json caches = Json::array();
    for (const Machine::Cache& cache : machine.caches) {
        caches.push_back({{"type", cache.type},
                          {"level", cache.level},
                          {"size", cache.octets},
                          {"num_sharing", cache.sharing}});
    }
    return {
        {"date", date_text()},
        {"host_name", machine.host},
        {"executable", "tapmeter bench"},
        {"num_cpus", machine.cores},
        {"mhz_per_cpu", static_cast<std::uint64_t>(machine.tsc_gigahertz * mhz_per_ghz + 0.5)},
        {"cpu_scaling_enabled", machine.governor != "performance" && machine.governor != "unknown"},
        {"caches", std::move(caches)},
        {"load_avg", machine.load},
        {"library_build_type", machine.build == "release" ? "release" : "debug"},
        {"cpu", machine.cpu},
        {"virtual_machine", machine.virtual_machine},
        {"governor", machine.governor},
        {"numa_nodes", machine.numa_nodes},
        {"huge_pages", machine.huge_pages},
        {"huge_pages_free", machine.huge_pages_free},
        {"transparent_huge_pages", machine.transparent_huge_pages},
        {"isolated_cores", machine.isolated_cores},
        {"kernel", machine.kernel},
        {"compiler", machine.compiler},
        {"build", machine.build}};
}

// What every entry has, whatever was measured.
Json entry_of(const std::string& name, std::uint64_t iterations, double ns) {
    return {
        {"name", name},          {"run_name", name}, {"run_type", "iteration"},  {"repetitions", 1},
        {"repetition_index", 0}, {"threads", 1},     {"iterations", iterations}, {"real_time", ns},
        {"cpu_time", ns},        {"time_unit", "ns"}};
}

Json benchmark_of(const std::string& name, const WorkerOutcome& worker, const Machine& machine) {
    constexpr double per_million = 1e6;
    const Interval& measured = worker.measured;
    const double cpu_ns = cpu_ns_per_packet(measured);
    Json entry = entry_of(name, measured.packets, cpu_ns);
    entry["real_time"] = wall_ns_per_packet(measured);
    entry["items_per_second"] = millions_per_second(cpu_ns) * per_million;
    entry["packets_per_second_by_wall"] = per_second(measured.packets, measured);
    entry["cycles_per_packet"] = cpu_ns * machine.tsc_gigahertz;
    entry["wire_gigabits_per_second"] = wire_gigabits_per_second(measured);
    entry["new_flows_per_second"] = per_second(worker.flows_created, measured);
    entry["records_per_second"] = per_second(worker.records, measured);
    entry["records_refused"] = worker.refused;
    entry["core"] = worker.core;
    return entry;
}

void add(const Outcome& outcome, const Machine& machine, Json& benchmarks) {
    const std::string name = traffic_name(outcome.traffic);
    for (std::size_t number = 0; number < outcome.workers.size(); ++number) {
        Json entry = benchmark_of(
            fmt::format("{}/workers:{}/worker:{}", name, outcome.workers.size(), number),
            outcome.workers[number], machine);
        entry["books_balance"] = outcome.balanced;
        entry["undecoded"] = metrics::sum(metrics::all_workers(outcome.books).undecoded);
        if (outcome.alone) {
            const Scaling scaling = scaling_of(outcome);
            entry["scaling_by_cpu"] = scaling.by_cpu;
            entry["scaling_by_wall"] = scaling.by_wall;
        }
        benchmarks.push_back(std::move(entry));
    }
    if (outcome.alone) {
        benchmarks.push_back(benchmark_of(name + "/workers:1/worker:0", *outcome.alone, machine));
    }
    for (const StageCost& stage : outcome.stages) {
        benchmarks.push_back(entry_of(name + "/stage:" + stage.name, 1, stage.ns));
    }
}

void add(const SearchOutcome& search, Json& benchmarks) {
    constexpr double ns_per_second = 1e9;
    const double rate = search.packets_per_second;
    std::uint64_t offered = 0;
    Json trials = Json::array();
    for (const PacedTrial& trial : search.trials) {
        offered += trial.offered;
        trials.push_back({{"packets_per_second", trial.packets_per_second},
                          {"offered", trial.offered},
                          {"dropped", trial.dropped},
                          {"records_refused", trial.refused},
                          {"passed", trial.passed}});
    }
    Json entry = entry_of(
        fmt::format("{}/workers:{}/zero_loss", traffic_name(search.traffic), search.workers),
        offered, rate == 0 ? 0 : ns_per_second / rate);
    entry["items_per_second"] = rate;
    entry["max_loss"] = search.max_loss;
    entry["trial_seconds"] = std::chrono::duration<double>(search.trial).count();
    entry["ring_slots"] = search.ring_slots;
    entry["books_balance"] = search.balanced;
    entry["trials"] = std::move(trials);
    benchmarks.push_back(std::move(entry));
}

// Of all workers: how long the turns took that brought packets, for each packet. What a worker
// waits for those who send is not in it.
double busy_cycles_per_packet(const LiveOutcome& live) {
    const WorkerBooks before = metrics::all_workers(live.before);
    const WorkerBooks after = metrics::all_workers(live.after);
    return metrics::ratio(after.busy_cycles - before.busy_cycles,
                          after.received_packets - before.received_packets);
}

void add(const LiveOutcome& live, const Machine& machine, Json& benchmarks) {
    const LiveCounts counts = counts_of(live);
    const auto ns = static_cast<double>(live.measured.count());
    Json dropped = Json::object();
    for (std::size_t reason = 0; reason < dropped_reasons; ++reason) {
        dropped[std::string(dropped_names[reason])] = counts.dropped[reason];
    }
    Json entry = entry_of("live", counts.received,
                          counts.received == 0 ? 0 : ns / static_cast<double>(counts.received));
    constexpr double ns_per_second = 1e9;
    entry["items_per_second"] =
        ns == 0 ? 0 : static_cast<double>(counts.received) * ns_per_second / ns;
    if (machine.tsc_gigahertz != 0) {
        entry["busy_ns_per_packet"] = busy_cycles_per_packet(live) / machine.tsc_gigahertz;
    }
    entry["offered"] = counts.offered;
    entry["received"] = counts.received;
    entry["lost"] = counts.lost;
    entry["dropped"] = std::move(dropped);
    entry["captures"] = live.described;
    entry["books_balance"] = live.balanced;
    benchmarks.push_back(std::move(entry));
}

}  // namespace

std::string results_as_json(const Results& results, const Machine& machine) {
    Json benchmarks = Json::array();
    for (const Outcome& outcome : results.outcomes) {
        add(outcome, machine, benchmarks);
    }
    for (const SearchOutcome& search : results.searches) {
        add(search, benchmarks);
    }
    for (const LiveOutcome& live : results.live) {
        add(live, machine, benchmarks);
    }
    for (std::size_t index = 0; index < benchmarks.size(); ++index) {
        benchmarks[index]["family_index"] = index;
        benchmarks[index]["per_family_instance_index"] = 0;
    }
    const Json document{{"context", context_of(machine)}, {"benchmarks", std::move(benchmarks)}};
    // A host or file name need not be UTF-8; what is not becomes a replacement character.
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tapmeter::bench
