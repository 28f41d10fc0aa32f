#include "src/metrics/totals.h"

#include <algorithm>

#include "src/metrics/analytics.h"

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
    total.adopted += books.adopted;
    add(total.ignored, books.ignored);
    total.aggregated += books.aggregated;
    add(total.non_ip, books.non_ip);
    add(total.undecoded, books.undecoded);
    total.unmetered_octets += books.unmetered_octets;
    total.emitted += books.emitted;
    total.refused += books.refused;
    total.in_table += books.in_table;
    total.first_fragments += books.first_fragments;
    total.later_fragments += books.later_fragments;
    total.waiting += books.waiting;
    total.fragments += books.fragments;
    add(total.encapsulated, books.encapsulated);
    add(total.not_entered, books.not_entered);
}

void add_flows(WorkerBooks& total, const WorkerBooks& books) {
    total.flows_adopted += books.flows_adopted;
    total.flows_unsound += books.flows_unsound;
    total.flows_created += books.flows_created;
    total.flows_active += books.flows_active;
    add(total.flows_ended, books.flows_ended);
    total.active_cuts += books.active_cuts;
    total.ended_empty += books.ended_empty;
    add(total.records_emitted, books.records_emitted);
    total.records_refused += books.records_refused;
    total.descriptions_refused += books.descriptions_refused;
    total.reports_refused += books.reports_refused;
    total.duplicates_forgotten += books.duplicates_forgotten;
    total.saving += books.saving;
    total.history += books.history;
    total.flows_shunted += books.flows_shunted;
    total.flows_unshunted += books.flows_unshunted;
    total.shunts_refused += books.shunts_refused;
    total.aggregates_created += books.aggregates_created;
    total.aggregates_active += books.aggregates_active;
    total.evicted_unanswered += books.evicted_unanswered;
    total.evicted_answered += books.evicted_answered;
}

void add_signatures(inspect::SignatureBooks& total, const inspect::SignatureBooks& books) {
    total.packets += books.packets;
    total.octets += books.octets;
    total.candidates += books.candidates;
    total.matches += books.matches;
    total.silent += books.silent;
    total.passed += books.passed;
    total.raised += books.raised;
    total.emitted += books.emitted;
    total.refused += books.refused;
    total.suppressed += books.suppressed;
    total.flows_shed += books.flows_shed;
    total.histories_refused += books.histories_refused;
    total.memories_refused += books.memories_refused;
    total.limited += books.limited;
    total.reloads += books.reloads;
}

void add_inspection(inspect::InspectionBooks& total, const inspect::InspectionBooks& books) {
    total.flows += books.flows;
    total.undecided += books.undecided;
    total.states += books.states;
    total.reclaimed += books.reclaimed;
    add_signatures(total.signatures, books.signatures);
    add(total.ended, books.ended);
    add(total.labels, books.labels);
    total.described += books.described;
    total.metadata_refused += books.metadata_refused;
    total.datagrams_joined += books.datagrams_joined;
    total.datagrams_given_up += books.datagrams_given_up;
    total.packets += books.packets;
    total.octets += books.octets;
    total.cycles += books.cycles;
    total.dissector_octets += books.dissector_octets;
    total.dissector_octets_left += books.dissector_octets_left;
    total.dissector_refusals += books.dissector_refusals;
    total.flow_octets += books.flow_octets;
}

// Workers choose flows independently of each other, so variances add up too.
void add_sum(SampledSum& total, const SampledSum& sum) {
    total.counted += sum.counted;
    total.estimated += sum.estimated;
    total.variance += sum.variance;
}

void add_sampled(SampledTotals& total, const SampledTotals& sampled) {
    add_sum(total.flows, sampled.flows);
    add_sum(total.packets, sampled.packets);
    add_sum(total.octets, sampled.octets);
}

// The state of the whole is that of the worker in the worst.
void add_state(WorkerBooks& total, const WorkerBooks& books) {
    total.load_state = std::max(total.load_state, books.load_state);
    total.load_causes |= books.load_causes;
    add(total.load_entered, books.load_entered);
    total.new_flows_per_second += books.new_flows_per_second;
    total.shed_level = std::max(total.shed_level, books.shed_level);
    total.sampling_exponent = std::max(total.sampling_exponent, books.sampling_exponent);
}

void add_load(WorkerBooks& total, const WorkerBooks& books) {
    total.turns += books.turns;
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
        add_sampled(total.sampled, worker.books.sampled);
        add_inspection(total.inspection, worker.books.inspection);
        add_to(total.analytics, worker.books.analytics);
        add_state(total, worker.books);
        add_load(total, worker.books);
    }
    return total;
}

}  // namespace tapmeter::metrics
