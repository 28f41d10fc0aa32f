#include "src/bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace tapmeter::bench {

namespace {

constexpr double per_mega = 1e-6;

double mega_per_second(double ns_each) noexcept {
    constexpr double ns_per_mega = 1e3;
    return ns_each == 0 ? 0 : ns_per_mega / ns_each;
}

double per_second(std::uint64_t count, const Interval& interval) noexcept {
    return interval.seconds() == 0 ? 0 : static_cast<double>(count) / interval.seconds();
}

// The CPU time of all workers over the packets of all.
double mean_cpu_ns(const Outcome& outcome) noexcept {
    Interval all;
    for (const WorkerOutcome& worker : outcome.workers) {
        all.cpu += worker.measured.cpu;
        all.packets += worker.measured.packets;
    }
    return cpu_ns_per_packet(all);
}

void write_workers(const Outcome& outcome, std::string& text) {
    auto out = std::back_inserter(text);
    fmt::format_to(out,
                   "  worker  core  Mpps by CPU  ns/packet  Mpps by wall  cycles/packet  "
                   "Gbit/s on wire  new flows/s  records/s  refused\n");
    for (std::size_t number = 0; number < outcome.workers.size(); ++number) {
        const WorkerOutcome& worker = outcome.workers[number];
        const Interval& measured = worker.measured;
        const double cpu_ns = cpu_ns_per_packet(measured);
        fmt::format_to(out,
                       "  {:>6}  {:>4}  {:>11.2f}  {:>9.1f}  {:>12.2f}  {:>13.0f}  {:>14.2f}  "
                       "{:>9.3f} M  {:>7.3f} M  {:>7}\n",
                       number, worker.core < 0 ? "any" : fmt::format("{}", worker.core),
                       mega_per_second(cpu_ns), cpu_ns,
                       mega_per_second(wall_ns_per_packet(measured)), cycles_per_packet(measured),
                       wire_gigabits_per_second(measured),
                       per_second(worker.flows_created, measured) * per_mega,
                       per_second(worker.records, measured) * per_mega, worker.refused);
    }
}

void write_books(const Outcome& outcome, std::string& text) {
    std::uint64_t received = 0;
    std::uint64_t undecoded = 0;
    for (const auto& worker : outcome.books.workers) {
        received += worker.books.received_packets;
        for (const std::uint64_t count : worker.books.undecoded) {
            undecoded += count;
        }
    }
    fmt::format_to(std::back_inserter(text), "  {} packets in all, {} undecoded; {}\n", received,
                   undecoded, outcome.balanced ? "the books balance" : "THE BOOKS DO NOT BALANCE");
    for (const metrics::Law& law : metrics::laws(outcome.books)) {
        if (law.imbalance != 0) {
            fmt::format_to(std::back_inserter(text), "    {}: {} against {}\n", law.name, law.left,
                           law.right);
        }
    }
}

}  // namespace

std::string outcome_as_text(const Outcome& outcome) {
    const double cpu_ns = mean_cpu_ns(outcome);
    std::string text = fmt::format(
        "this machine: {:.2f} Mpps per core ({:.1f} ns a packet), {}, in memory; no NIC was "
        "involved\n",
        mega_per_second(cpu_ns), cpu_ns, traffic_text(outcome.traffic));
    write_workers(outcome, text);
    fmt::format_to(std::back_inserter(text), "  {}\n", outcome.table);
    write_books(outcome, text);
    return text;
}

}  // namespace tapmeter::bench
