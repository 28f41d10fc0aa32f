#include "src/metrics/totals.h"

#include <algorithm>

namespace tapmeter::metrics {

namespace {

template <class Counts>
void add(Counts& total, const Counts& counts) {
    for (std::size_t i = 0; i < total.size(); ++i) {
        total[i] += counts[i];
    }
}

void add_traffic(WorkerBooks& total, const WorkerBooks& books) {
    total.received_packets += books.received_packets;
    total.received_octets += books.received_octets;
    total.folded += books.folded;
    total.metered += books.metered;
    add(total.non_ip, books.non_ip);
    add(total.undecoded, books.undecoded);
    total.unmetered_octets += books.unmetered_octets;
    total.emitted += books.emitted;
    total.refused += books.refused;
    total.in_table += books.in_table;
    total.first_fragments += books.first_fragments;
    total.later_fragments += books.later_fragments;
}

void add_flows(WorkerBooks& total, const WorkerBooks& books) {
    total.flows_created += books.flows_created;
    total.flows_active += books.flows_active;
    add(total.flows_ended, books.flows_ended);
    total.active_cuts += books.active_cuts;
    total.ended_empty += books.ended_empty;
    add(total.records_emitted, books.records_emitted);
    total.records_refused += books.records_refused;
    total.flows_shunted += books.flows_shunted;
    total.flows_unshunted += books.flows_unshunted;
    total.shunts_refused += books.shunts_refused;
}

void add_load(WorkerBooks& total, const WorkerBooks& books) {
    total.bursts += books.bursts;
    add(total.burst_sizes, books.burst_sizes);
    total.busy_cycles += books.busy_cycles;
    total.cycles += books.cycles;
    total.newest_packet_ns = std::max(total.newest_packet_ns, books.newest_packet_ns);
}

}  // namespace

WorkerBooks all_workers(const Snapshot& snapshot) {
    WorkerBooks total;
    for (const Snapshot::Worker& worker : snapshot.workers) {
        add_traffic(total, worker.books);
        add_flows(total, worker.books);
        add_load(total, worker.books);
    }
    return total;
}

}  // namespace tapmeter::metrics
