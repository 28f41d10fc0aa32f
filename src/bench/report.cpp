#include "src/bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "src/metrics/totals.h"

namespace tapmeter::bench {

namespace {

constexpr double per_million = 1e-6;

void write_worker(const std::string& name, const WorkerOutcome& worker, const Machine& machine,
                  std::string& text) {
    const Interval& measured = worker.measured;
    const double cpu_ns = cpu_ns_per_packet(measured);
    fmt::format_to(std::back_inserter(text),
                   "  {:>6} {:>5} {:>8.2f} {:>9.1f} {:>8.0f} {:>8.2f} {:>8.2f} {:>9.3f} {:>9.3f} "
                   "{:>9}\n",
                   name, worker.core < 0 ? "any" : fmt::format("{}", worker.core),
                   millions_per_second(cpu_ns), cpu_ns, cpu_ns * machine.tsc_gigahertz,
                   millions_per_second(wall_ns_per_packet(measured)),
                   wire_gigabits_per_second(measured),
                   per_second(worker.flows_created, measured) * per_million,
                   per_second(worker.records, measured) * per_million, worker.refused);
}

void write_workers(const Outcome& outcome, const Machine& machine, std::string& text) {
    text +=
        "              by CPU time: . . . . . .  by wall: . . . .  new flows   records   "
        "records\n"
        "  worker  core     Mpps ns/packet  cycles     Mpps   Gbit/s       M/s       M/s   "
        "refused\n";
    for (std::size_t number = 0; number < outcome.workers.size(); ++number) {
        write_worker(fmt::format("{}", number), outcome.workers[number], machine, text);
    }
    if (outcome.alone) {
        write_worker("alone", *outcome.alone, machine, text);
        const Scaling scaling = scaling_of(outcome);
        fmt::format_to(std::back_inserter(text),
                       "  {} workers do {:.2f} times what one alone does by CPU time, {:.2f} times "
                       "by wall\n",
                       outcome.workers.size(), scaling.by_cpu, scaling.by_wall);
    }
}

void write_stages(const Outcome& outcome, std::string& text) {
    if (outcome.stages.empty()) {
        return;
    }
    auto out = std::back_inserter(text);
    double sum = 0;
    text += "  where the time goes, ns a packet, best of interleaved rounds on one core:\n   ";
    for (const StageCost& stage : outcome.stages) {
        fmt::format_to(out, " {} {:.1f} |", stage.name, stage.ns);
        sum += stage.ns;
    }
    fmt::format_to(out, " in all {:.1f}\n", sum);
}

// How much of the traffic was looked into, where it was.
void write_inspection(const WorkerBooks& books, std::string& text) {
    const inspect::InspectionBooks& inspection = books.inspection;
    if (inspection.flows == 0) {
        return;
    }
    const auto ended = [&](flow::Inspection how) {
        return inspection.ended[static_cast<std::size_t>(how)];
    };
    const std::uint64_t left_alone =
        ended(flow::Inspection::no_state) + ended(flow::Inspection::shed);
    fmt::format_to(
        std::back_inserter(text),
        "  {} flows met with inspection on, {:.1f} % of them inspected; {} packets "
        "looked into in {:.1f} % of the cycles; {} compared with signatures, {} alerts\n",
        inspection.flows,
        100.0 * static_cast<double>(inspection.flows - left_alone) /
            static_cast<double>(inspection.flows),
        inspection.packets,
        100.0 * static_cast<double>(inspection.cycles) /
            static_cast<double>(std::max<std::uint64_t>(books.busy_cycles, 1)),
        inspection.signatures.packets, inspection.signatures.raised);
}

void write_books(const Outcome& outcome, std::string& text) {
    auto out = std::back_inserter(text);
    const WorkerBooks books = metrics::all_workers(outcome.books);
    fmt::format_to(
        out,
        "  {} packets in all: {} metered, {} of them in sums of flows, {} left out, {} no "
        "IP, {} undecoded; {} records; {}\n",
        books.received_packets, books.metered.packets, books.aggregated.packets,
        metrics::sum_of(books.ignored).packets, metrics::sum(books.non_ip),
        metrics::sum(books.undecoded), metrics::sum(books.records_emitted),
        outcome.balanced ? "the books balance" : "THE BOOKS DO NOT BALANCE:");
    write_inspection(books, text);
    text += broken_laws_as_text(outcome.books);
}

}  // namespace

std::string outcome_as_text(const Outcome& outcome, const Machine& machine) {
    if (outcome.workers.empty()) {
        return "stopped before anything was measured\n";
    }
    const double cpu_ns = mean_cpu_ns(outcome);
    std::string text = fmt::format(
        "this machine: {:.2f} Mpps per core ({:.1f} ns a packet): {}, in memory; no NIC was "
        "involved\n",
        millions_per_second(cpu_ns), cpu_ns, traffic_text(outcome.traffic));
    write_workers(outcome, machine, text);
    write_stages(outcome, text);
    text += "  " + outcome.table + "\n";
    write_books(outcome, text);
    return text;
}

}  // namespace tapmeter::bench
