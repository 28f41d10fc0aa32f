#include "src/bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "src/bench/frame_head.h"
#include "src/metrics/totals.h"

namespace tapmeter::bench {

namespace {

constexpr double per_million = 1e-6;

double seconds_of(std::chrono::nanoseconds time) noexcept {
    return std::chrono::duration<double>(time).count();
}

std::string_view balance_text(bool balanced) noexcept {
    return balanced ? "the books balance" : "THE BOOKS DO NOT BALANCE:";
}

// Packets of a worker between two looks, and the time stamp cycles of its turns that brought any.
struct Busy {
    std::uint64_t packets = 0;
    std::uint64_t busy_cycles = 0;
    std::uint64_t cycles = 0;
    std::uint64_t flows = 0;
    std::uint64_t refused = 0;
};
Busy busy_between(const WorkerBooks& before, const WorkerBooks& after) noexcept {
    return {.packets = after.received_packets - before.received_packets,
            .busy_cycles = after.busy_cycles - before.busy_cycles,
            .cycles = after.cycles - before.cycles,
            .flows = after.flows_created - before.flows_created,
            .refused = after.records_refused - before.records_refused};
}

void write_live_workers(const LiveOutcome& outcome, const Machine& machine, std::string& text) {
    const double seconds = std::max(seconds_of(outcome.measured), 1e-9);
    text += "  worker  core     Mpps  busy ns/packet  busy share  new flows/s  refused\n";
    for (std::size_t i = 0; i < outcome.after.workers.size(); ++i) {
        const Busy busy =
            busy_between(outcome.before.workers[i].books, outcome.after.workers[i].books);
        const int core = outcome.after.workers[i].core;
        const double cycles = busy.packets == 0 ? 0
                                                : static_cast<double>(busy.busy_cycles) /
                                                      static_cast<double>(busy.packets);
        fmt::format_to(std::back_inserter(text),
                       "  {:>6}  {:>4} {:>8.3f}  {:>14.1f}  {:>8.0f} %  {:>11.0f}  {:>7}\n", i,
                       core < 0 ? "any" : fmt::format("{}", core),
                       static_cast<double>(busy.packets) / seconds * per_million,
                       machine.tsc_gigahertz == 0 ? 0 : cycles / machine.tsc_gigahertz,
                       100 * metrics::ratio(busy.busy_cycles, busy.cycles),
                       static_cast<double>(busy.flows) / seconds, busy.refused);
    }
}

void write_loss(const LiveCounts& counts, std::string& text) {
    constexpr double percent = 100;
    auto out = std::back_inserter(text);
    fmt::format_to(out, "  offered {}, received {}, lost {} ({:.6f} %)", counts.offered,
                   counts.received, counts.lost,
                   percent * metrics::ratio(counts.lost, counts.offered));
    for (std::size_t reason = 0; reason < dropped_reasons; ++reason) {
        if (counts.dropped[reason] != 0) {
            fmt::format_to(out, "; {} {}", dropped_names[reason], counts.dropped[reason]);
        }
    }
    text += "\n";
}

std::uint64_t link_bits(const metrics::Snapshot& look) noexcept {
    std::uint64_t bits = 0;
    for (const auto& interface : look.interfaces) {
        bits += interface.counters.link_speed_bits;
    }
    return bits;
}

}  // namespace

std::string broken_laws_as_text(const metrics::Snapshot& books) {
    std::string text;
    for (const metrics::Law& law : metrics::laws(books)) {
        if (law.imbalance != 0) {
            fmt::format_to(std::back_inserter(text), "    {}: {} against {} ({})\n", law.name,
                           law.left, law.right, law.equation);
        }
    }
    return text;
}

std::string search_as_text(const SearchOutcome& outcome) {
    std::string text = fmt::format(
        "this machine: {:.2f} Mpps without loss (RFC 2544 section 26.1): {}, {} worker{}, in "
        "memory; no NIC was involved\n",
        outcome.packets_per_second * per_million, traffic_text(outcome.traffic), outcome.workers,
        outcome.workers == 1 ? "" : "s");
    auto out = std::back_inserter(text);
    fmt::format_to(out,
                   "  trials of {:.1f} s, receive rings of {} packets, loss allowed {:.6f} %\n"
                   "       Mpps       offered          lost  records refused\n",
                   seconds_of(outcome.trial), outcome.ring_slots, 100 * outcome.max_loss);
    for (const PacedTrial& trial : outcome.trials) {
        fmt::format_to(out, "  {:>9.3f}  {:>12}  {:>12}  {:>15}  {}\n",
                       trial.packets_per_second * per_million, trial.offered, trial.dropped,
                       trial.refused, trial.passed ? "passed" : "failed");
    }
    fmt::format_to(out, "  {}\n", balance_text(outcome.balanced));
    return text + broken_laws_as_text(outcome.books);
}

std::string live_as_text(const LiveOutcome& outcome, const Machine& machine) {
    const LiveCounts counts = counts_of(outcome);
    const double seconds = std::max(seconds_of(outcome.measured), 1e-9);
    const auto wire_bits =
        static_cast<double>(8 * (counts.received_octets + counts.received * wire_overhead_octets));
    std::string text = fmt::format("{:.3f} Mpps, {:.3f} Gbit/s on the wire, in {:.1f} s",
                                   static_cast<double>(counts.received) / seconds * per_million,
                                   wire_bits / seconds * 1e-9, seconds);
    auto out = std::back_inserter(text);
    if (const std::uint64_t link = link_bits(outcome.after); link != 0) {
        fmt::format_to(out, ", {:.1f} % of line rate",
                       100 * wire_bits / seconds / static_cast<double>(link));
    }
    text += "\n";
    for (const std::string& line : outcome.described) {
        fmt::format_to(out, "  {}\n", line);
    }
    write_loss(counts, text);
    write_live_workers(outcome, machine, text);
    fmt::format_to(out, "  {}\n", balance_text(outcome.balanced));
    return text + broken_laws_as_text(outcome.books);
}

std::string machine_as_text(const Machine& machine) {
    std::string text = fmt::format(
        "machine: {}{}, {} cores, {} NUMA node{}, time stamp counter {:.3f} GHz, governor {}\n",
        machine.cpu, machine.virtual_machine ? " (virtual)" : "", machine.cores, machine.numa_nodes,
        machine.numa_nodes == 1 ? "" : "s", machine.tsc_gigahertz, machine.governor);
    auto out = std::back_inserter(text);
    text += "         caches";
    for (const Machine::Cache& cache : machine.caches) {
        fmt::format_to(out, " L{} {} {} KiB", cache.level, cache.type, cache.octets >> 10U);
    }
    fmt::format_to(out, "; huge pages {} of {} free, transparent: {}; isolated cores: {}\n",
                   machine.huge_pages_free, machine.huge_pages, machine.transparent_huge_pages,
                   machine.isolated_cores.empty() ? "none" : machine.isolated_cores);
    fmt::format_to(out, "         {}; {}, {} build; load", machine.kernel, machine.compiler,
                   machine.build);
    for (const double load : machine.load) {
        fmt::format_to(out, " {:.2f}", load);
    }
    return text + "\n";
}

}  // namespace tapmeter::bench
