// Where the load is, for a reader at a terminal (books_text.h).
#include <fmt/format.h>

#include <iterator>

#include "src/metrics/books_text.h"
#include "src/metrics/lag.h"
#include "src/metrics/overall.h"
#include "src/metrics/services.h"
#include "src/metrics/shown_text.h"
#include "src/metrics/totals.h"

namespace tapmeter::metrics {

namespace {

// "flood: table, new_flows"
std::string state_text(std::string_view state, const std::vector<std::string_view>& causes) {
    std::string text(state);
    std::string_view gap = ": ";
    for (const std::string_view cause : causes) {
        text.append(gap).append(cause);
        gap = ", ";
    }
    return text;
}

std::string worker_state_text(const WorkerBooks& books) {
    std::vector<std::string_view> causes;
    for (std::size_t cause = 0; cause < load_causes; ++cause) {
        if (((books.load_causes >> cause) & 1U) != 0) {
            causes.push_back(load_cause_names[cause]);
        }
    }
    std::string text = state_text(load_state_names[books.load_state], causes);
    if (books.sampling_exponent != 0) {
        text += fmt::format("; 1 in {} flows", std::uint64_t{1} << books.sampling_exponent);
    }
    return text;
}

void write_worker_load(const Snapshot& snapshot, std::string& text) {
    const auto to = std::back_inserter(text);
    fmt::format_to(to, "{:<8}{:>5}{:>7}{:>12}{:>20}{:>14}{:>7}{:>8}  {}\n", "worker", "core",
                   "busy", "per burst", "packets", "flows", "table", "ring", "state");
    for (std::size_t k = 0; k < snapshot.workers.size(); ++k) {
        const Snapshot::Worker& worker = snapshot.workers[k];
        const WorkerBooks& books = worker.books;
        const Snapshot::Ring ring =
            k < snapshot.rings.size() ? snapshot.rings[k] : Snapshot::Ring{};
        fmt::format_to(to, "{:<8}{:>5}{:>5.0f} %{:>12.1f}{:>20}{:>14}{:>5.0f} %{:>6.0f} %  {}\n", k,
                       worker.core < 0 ? "-" : std::to_string(worker.core),
                       100 * ratio(books.busy_cycles, books.cycles),
                       ratio(books.received_packets, books.bursts), grouped(books.received_packets),
                       grouped(books.flows_active),
                       100 * ratio(books.flows_active, worker.flows_max),
                       100 * ratio(ring.waiting, ring.capacity), worker_state_text(books));
    }
}

}  // namespace

std::string stats_as_text(const Snapshot& snapshot) {
    const Overall state = overall(snapshot);
    std::string text = fmt::format(
        "up {:.0f} s, {}\n", snapshot.uptime_seconds,
        state_text(load_state_names[static_cast<std::size_t>(state.state)], state.causes));
    write_worker_load(snapshot, text);
    for (const Snapshot::Interface& interface : snapshot.interfaces) {
        fmt::format_to(std::back_inserter(text),
                       "interface {}: {} queues, busiest {:.2f} times the mean\n",
                       shown(interface.name), interface.queues.size(), interface.queue_skew);
    }
    for (const Snapshot::Output& output : snapshot.outputs) {
        const exporting::OutputCounters& counters = output.counters;
        fmt::format_to(std::back_inserter(text), "output {}: {}, {} records sent, {} dropped{}\n",
                       shown(output.name), counters.up ? "up" : "DOWN",
                       grouped(counters.sent.records), grouped(records_dropped(counters)),
                       lag_as_text(counters.lag));
    }
    return text + services_as_text(snapshot);
}

}  // namespace tapmeter::metrics
