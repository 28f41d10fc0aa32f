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

Json benchmark_of(const std::string& name, const WorkerOutcome& worker, const Machine& machine) {
    constexpr double per_million = 1e6;
    const Interval& measured = worker.measured;
    const double cpu_ns = cpu_ns_per_packet(measured);
    return {{"name", name},
            {"run_name", name},
            {"run_type", "iteration"},
            {"repetitions", 1},
            {"repetition_index", 0},
            {"threads", 1},
            {"iterations", measured.packets},
            {"real_time", wall_ns_per_packet(measured)},
            {"cpu_time", cpu_ns},
            {"time_unit", "ns"},
            {"items_per_second", millions_per_second(cpu_ns) * per_million},
            {"packets_per_second_by_wall", per_second(measured.packets, measured)},
            {"cycles_per_packet", cpu_ns * machine.tsc_gigahertz},
            {"wire_gigabits_per_second", wire_gigabits_per_second(measured)},
            {"new_flows_per_second", per_second(worker.flows_created, measured)},
            {"records_per_second", per_second(worker.records, measured)},
            {"records_refused", worker.refused},
            {"core", worker.core}};
}

Json stage_of(const std::string& name, const StageCost& stage) {
    const std::string full = name + "/stage:" + stage.name;
    return {{"name", full},     {"run_name", full},      {"run_type", "iteration"},
            {"repetitions", 1}, {"repetition_index", 0}, {"threads", 1},
            {"iterations", 1},  {"real_time", stage.ns}, {"cpu_time", stage.ns},
            {"time_unit", "ns"}};
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
        benchmarks.push_back(stage_of(name, stage));
    }
}

}  // namespace

std::string outcomes_as_json(const std::vector<Outcome>& outcomes, const Machine& machine) {
    Json benchmarks = Json::array();
    for (const Outcome& outcome : outcomes) {
        add(outcome, machine, benchmarks);
    }
    for (std::size_t index = 0; index < benchmarks.size(); ++index) {
        benchmarks[index]["family_index"] = index;
        benchmarks[index]["per_family_instance_index"] = 0;
    }
    const Json document{{"context", context_of(machine)}, {"benchmarks", std::move(benchmarks)}};
    // A host or file name need not be UTF-8; what is not becomes a question mark.
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tapmeter::bench
