#include "src/metrics/prometheus.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <map>
#include <sstream>

#include "src/metrics/all_families.h"
#include "src/metrics/analytics.h"
#include "src/metrics/applications.h"
#include "src/metrics/families.h"
#include "src/metrics/outputs.h"
#include "src/metrics/overall.h"
#include "src/metrics/packet_files.h"
#include "src/metrics/restart_report.h"
#include "src/metrics/services.h"
#include "src/metrics/totals.h"
#include "src/metrics/version.h"

namespace tapmeter::metrics {

namespace {

Labels interface_label(const Snapshot::Interface& interface) {
    return {{"interface", interface.name}};
}

Labels worker_label(std::size_t worker) {
    return {{"worker", std::to_string(worker)}};
}

void add_program(const Snapshot& snapshot, const Surroundings& surroundings, Families& families) {
    families.gauge("tapmeter_build_info", "Version of the running program; the value is always 1.")
        .add({{"version", std::string(version)}}, 1.0);
    families.gauge("tapmeter_start_time_seconds", "Unix time at which the program started.")
        .add({}, snapshot.start_time_seconds);
    families.counter("tapmeter_config_reloads_total", "Configuration reloads, by result.")
        .add({{"result", "ok"}}, surroundings.reloads_ok)
        .add({{"result", "error"}}, surroundings.reloads_failed);
    families.counter("tapmeter_http_requests_total",
                     "Requests answered, by route and status class.");
    for (const Surroundings::Requests& requests : surroundings.requests) {
        families.add({{"route", requests.route}, {"code", requests.code}}, requests.count);
    }
}

void add_queues(const Snapshot& snapshot, Families& families) {
    families.counter("tapmeter_rx_packets_total", "Packets taken from the port by a worker.");
    for (const Snapshot::Interface& interface : snapshot.interfaces) {
        for (std::size_t q = 0; q < interface.queues.size(); ++q) {
            families.add({{"interface", interface.name}, {"queue", std::to_string(q)}},
                         interface.queues[q].received.value);
        }
    }
    families.counter("tapmeter_rx_bytes_total",
                     "Bytes taken from the port by a worker, frame check sequence excluded.");
    for (const Snapshot::Interface& interface : snapshot.interfaces) {
        for (std::size_t q = 0; q < interface.queues.size(); ++q) {
            families.add({{"interface", interface.name}, {"queue", std::to_string(q)}},
                         interface.queues[q].received_octets.value);
        }
    }
}

// One family with one value for each queue of the devices that count by queue.
template <class Value>
void add_for_device_queues(const Snapshot& snapshot, Families& families, Value value) {
    for (const Snapshot::Interface& interface : snapshot.interfaces) {
        for (std::size_t q = 0; q < interface.device_queues.size(); ++q) {
            families.add({{"interface", interface.name}, {"queue", std::to_string(q)}},
                         value(interface.device_queues[q]));
        }
    }
}

void add_device_queues(const Snapshot& snapshot, Families& families) {
    families.counter("tapmeter_device_queue_packets_total",
                     "Packets of a receive queue as the device counts them.");
    add_for_device_queues(snapshot, families, [](const auto& q) { return q.packets; });
    families.counter("tapmeter_device_queue_bytes_total",
                     "Bytes of a receive queue as the device counts them.");
    add_for_device_queues(snapshot, families, [](const auto& q) { return q.octets; });
    families.counter("tapmeter_device_queue_errors_total",
                     "Packets that a receive queue of the device refused.");
    add_for_device_queues(snapshot, families, [](const auto& q) { return q.errors; });
    families.counter("tapmeter_device_queue_missed_total",
                     "Packets for which a receive queue of the device had no room or buffer.");
    add_for_device_queues(snapshot, families, [](const auto& q) { return q.missed; });
}

// One family with one value for each interface.
template <class Value>
void add_for_interfaces(const Snapshot& snapshot, Families& families, Value value) {
    for (const Snapshot::Interface& interface : snapshot.interfaces) {
        families.add(interface_label(interface), value(interface.counters));
    }
}

void add_interfaces(const Snapshot& snapshot, Families& families) {
    families.counter("tapmeter_packets_offered_total",
                     "Packets that reached the interface, as far as it can tell.");
    add_for_interfaces(snapshot, families, [](const auto& c) { return c.offered.value; });
    families.gauge("tapmeter_packets_waiting", "Packets in the receive rings at the last look.");
    add_for_interfaces(snapshot, families, [](const auto& c) { return c.waiting.value; });
    families.counter("tapmeter_packets_shunted_total",
                     "Packets of shunted flows, counted and dropped by the XDP program.");
    add_for_interfaces(snapshot, families, [](const auto& c) { return c.shunted.value; });
    families.counter("tapmeter_bytes_shunted_total",
                     "Bytes of shunted flows, frame check sequence excluded.");
    add_for_interfaces(snapshot, families, [](const auto& c) { return c.shunted_octets.value; });
    families.gauge("tapmeter_link_up", "Whether the port has link.");
    add_for_interfaces(snapshot, families, [](const auto& c) { return c.link_up ? 1.0 : 0.0; });
    families.gauge("tapmeter_interface_present",
                   "Whether there is an interface of that name; one that comes back is captured.");
    add_for_interfaces(snapshot, families, [](const auto& c) { return c.present ? 1.0 : 0.0; });
    families.counter("tapmeter_interface_returns_total",
                     "How often an interface that was gone has come back.");
    add_for_interfaces(snapshot, families, [](const auto& c) { return c.returns; });
    families.gauge("tapmeter_link_speed_bytes_per_second",
                   "Link speed of the port; 0 where nobody knows it.");
    add_for_interfaces(snapshot, families,
                       [](const auto& c) { return static_cast<double>(c.link_speed_bits) / 8; });

    families.counter("tapmeter_packets_dropped_total",
                     "Packets lost before metering, by the place where they were lost.");
    for (const Snapshot::Interface& interface : snapshot.interfaces) {
        families.add_each(interface_label(interface), "reason", interface.counters.dropped,
                          dropped_names);
    }
    families.counter("tapmeter_packets_ignored_total", "Packets left out on purpose.");
    for (const Snapshot::Interface& interface : snapshot.interfaces) {
        families.add_each(interface_label(interface), "reason", interface.counters.ignored,
                          ignored_names);
    }
    families.counter("network_packets_dropped_total",
                     "Packets lost on the way from the port to the flow table, by interface.");
    add_for_interfaces(snapshot, families, [](const auto& c) { return sum(c.dropped); });
}

// One family with one value for each worker.
template <class Value>
void add_for_workers(const Snapshot& snapshot, Families& families, Value value) {
    for (std::size_t k = 0; k < snapshot.workers.size(); ++k) {
        families.add(worker_label(k), value(snapshot.workers[k]));
    }
}

std::array<std::uint64_t, left_out_reasons> packets_of(
    const std::array<Traffic, left_out_reasons>& ignored) {
    std::array<std::uint64_t, left_out_reasons> packets{};
    std::ranges::transform(ignored, packets.begin(), &Traffic::packets);
    return packets;
}

void add_metering(const Snapshot& snapshot, Families& families) {
    const WorkerBooks all = all_workers(snapshot);
    families.counter("tapmeter_packets_metered_total", "Packets accounted to a flow record.");
    add_for_workers(snapshot, families, [](const auto& w) { return w.books.metered.packets; });
    families.counter("tapmeter_metered_bytes_total",
                     "IP bytes (layer 3) accounted to a flow record.");
    add_for_workers(snapshot, families, [](const auto& w) { return w.books.metered.octets; });
    families.counter("tapmeter_packets_aggregated_total",
                     "Metered packets that share a record with those of other flows.");
    add_for_workers(snapshot, families, [](const auto& w) { return w.books.aggregated.packets; });
    families.counter("tapmeter_worker_packets_ignored_total",
                     "Packets that a worker left out on purpose.");
    families.add_each({}, "reason", packets_of(all.ignored), left_out_names);
    families.counter("tapmeter_packets_undecoded_total",
                     "Packets that could not be decoded as far as a flow key.");
    families.add_each({}, "reason", all.undecoded, undecoded_names);
    families.counter("tapmeter_packets_non_ip_total",
                     "Packets that carry no IP: accounted, not an error.");
    families.add_each({}, "kind", all.non_ip, non_ip_names);
    families.counter("tapmeter_packets_fragment_total", "IP fragments: first, and without ports.")
        .add({{"kind", "first"}}, all.first_fragments)
        .add({{"kind", "later"}}, all.later_fragments);
    families.counter("tapmeter_fragments_total", "What happened to IP fragments.");
    for (const auto& [result, count] : all.fragments.named()) {
        families.add({{"result", std::string(result)}}, static_cast<double>(count));
    }
    families.gauge("tapmeter_fragments_waiting", "Without ports yet.").add({}, all.waiting.packets);
    families.counter("tapmeter_packets_encapsulated_total", "Packets by what stands around them.");
    families.add_each({}, "kind", all.encapsulated, decode::encapsulation_names);
    families.counter("tapmeter_packets_tunnel_not_entered_total", "Packets metered outside it.");
    families.add_each({}, "reason", std::span{all.not_entered}.subspan<1>(),
                      std::span{decode::not_entered_names}.subspan<1>());
}

prometheus::ClientMetric::Histogram burst_histogram(const WorkerBooks& books) {
    constexpr std::array<double, burst_size_buckets> bounds{1, 8, 32, 63, 64};
    prometheus::ClientMetric::Histogram histogram;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        histogram.sample_count += books.burst_sizes[i];
        histogram.bucket.push_back({histogram.sample_count, bounds[i]});
    }
    histogram.bucket.push_back({histogram.sample_count, std::numeric_limits<double>::infinity()});
    histogram.sample_sum = static_cast<double>(books.received_packets);
    return histogram;
}

void add_load(const Snapshot& snapshot, Families& families) {
    families.counter("tapmeter_worker_packets_total", "Packets that a worker received.");
    add_for_workers(snapshot, families, [](const auto& w) { return w.books.received_packets; });
    families.counter("tapmeter_worker_busy_cycles_total",
                     "Processor cycles in which a worker had packets.");
    add_for_workers(snapshot, families, [](const auto& w) { return w.books.busy_cycles; });
    families.counter("tapmeter_worker_cycles_total", "Processor cycles of a worker.");
    add_for_workers(snapshot, families, [](const auto& w) { return w.books.cycles; });
    families.histogram("tapmeter_worker_burst_packets", "Packets per receive burst.");
    add_for_workers(snapshot, families, [](const auto& w) { return burst_histogram(w.books); });
}

// The whole: the worst of the workers, or the skew of a port's queues.
void add_overall(const Snapshot& snapshot, Families& families) {
    const Overall state = overall(snapshot);
    families.gauge("tapmeter_state", "1 for the state of the whole: the worst of its workers.");
    families.add_bits({}, "state", std::uint64_t{1} << static_cast<unsigned>(state.state),
                      load_state_names);
    families.gauge("tapmeter_queue_skew_ratio",
                   "Busiest queue of an interface to the mean of its queues, in the last second.");
    for (const Snapshot::Interface& interface : snapshot.interfaces) {
        families.add(interface_label(interface), interface.queue_skew);
    }
}

void add_state(const Snapshot& snapshot, Families& families) {
    families.gauge("tapmeter_worker_state",
                   "1 for the state that a worker is in: normal, warm, hot or flood.");
    for (std::size_t k = 0; k < snapshot.workers.size(); ++k) {
        families.add_bits(worker_label(k), "state",
                          std::uint64_t{1} << snapshot.workers[k].books.load_state,
                          load_state_names);
    }
    families.gauge("tapmeter_worker_state_cause", "1 for each cause of a worker's state.");
    for (std::size_t k = 0; k < snapshot.workers.size(); ++k) {
        families.add_bits(worker_label(k), "cause", snapshot.workers[k].books.load_causes,
                          load_cause_names);
    }
    families.counter("tapmeter_worker_state_entered_total",
                     "How often a worker came into a state.");
    for (std::size_t k = 0; k < snapshot.workers.size(); ++k) {
        families.add_each(worker_label(k), "state", snapshot.workers[k].books.load_entered,
                          load_state_names);
    }
    families.gauge("tapmeter_worker_new_flows_per_second",
                   "Flows that wanted to begin, let in or not, in the last 134 ms.");
    add_for_workers(snapshot, families, [](const auto& w) { return w.books.new_flows_per_second; });
    families.gauge("tapmeter_worker_flow_sampling",
                   "One in so many of the flows that begin is metered; 1: every one.");
    add_for_workers(snapshot, families,
                    [](const auto& w) { return std::uint64_t{1} << w.books.sampling_exponent; });
}

// What was counted while not all flows were metered, what it stands for, and how sure that is.
void add_sampled(const Snapshot& snapshot, Families& families) {
    const SampledTotals sampled = all_workers(snapshot).sampled;
    const std::array units{std::pair{"flows", &sampled.flows},
                           std::pair{"packets", &sampled.packets},
                           std::pair{"octets", &sampled.octets}};
    families.counter("tapmeter_sampled_total",
                     "What sampled flows counted: flows, packets and octets of their records.");
    for (const auto& [unit, sum] : units) {
        families.add({{"unit", unit}}, sum->counted);
    }
    families.gauge("tapmeter_sampled_estimate",
                   "What sampled flows stand for, on average exactly.");
    for (const auto& [unit, sum] : units) {
        families.add({{"unit", unit}}, sum->estimated);
    }
    families.gauge("tapmeter_sampled_error_bound",
                   "The truth is within so much of the estimate 19 times in 20.");
    for (const auto& [unit, sum] : units) {
        families.add({{"unit", unit}}, error_bound(sum->variance));
    }
}

void add_flows(const Snapshot& snapshot, Families& families) {
    families.gauge("tapmeter_flows_active", "Flows in the table.");
    add_for_workers(snapshot, families, [](const auto& w) { return w.books.flows_active; });
    families.gauge("tapmeter_flow_table_capacity", "Flows that fit into the table.");
    add_for_workers(snapshot, families, [](const auto& w) { return w.flows_max; });
    families.gauge("tapmeter_flow_table_bytes", "Memory reserved for the flow table.");
    add_for_workers(snapshot, families, [](const auto& w) { return w.table_octets; });
    families.counter("tapmeter_flows_created_total", "Flows opened.");
    add_for_workers(snapshot, families, [](const auto& w) { return w.books.flows_created; });

    families.counter("tapmeter_flows_ended_total", "Flows that ended, by IPFIX flowEndReason.");
    for (std::size_t k = 0; k < snapshot.workers.size(); ++k) {
        families.add_each(worker_label(k), "reason", snapshot.workers[k].books.flows_ended,
                          flow::flow_end_reason_names);
    }
    families.counter("tapmeter_flows_evicted_total",
                     "Flows that made room in a full table, by whether both ends had sent.");
    families.add({{"answered", "false"}}, all_workers(snapshot).evicted_unanswered);
    families.add({{"answered", "true"}}, all_workers(snapshot).evicted_answered);
    families.gauge("tapmeter_flows_shunted", "Large flows that are only counted at present.");
    add_for_workers(snapshot, families,
                    [](const auto& w) { return w.books.flows_shunted - w.books.flows_unshunted; });
    families.counter("tapmeter_flows_shunted_total", "Times that a flow was shunted.");
    add_for_workers(snapshot, families, [](const auto& w) { return w.books.flows_shunted; });
    families.counter("tapmeter_shunts_refused_total",
                     "Large flows that found no place in the shunt.");
    add_for_workers(snapshot, families, [](const auto& w) { return w.books.shunts_refused; });
    families.counter("tapmeter_records_emitted_total",
                     "Flow records that the workers gave to the exporter, by flowEndReason.");
    families.add_each({}, "reason", all_workers(snapshot).records_emitted,
                      flow::flow_end_reason_names);
    families.counter("tapmeter_record_descriptions_refused_total",
                     "Flow records that went without what was found in their flow: no room.");
    add_for_workers(snapshot, families, [](const auto& w) { return w.books.descriptions_refused; });
    families.gauge("tapmeter_export_ring_used_ratio",
                   "Share of the worker-to-exporter ring in use.");
    for (std::size_t k = 0; k < snapshot.rings.size(); ++k) {
        families.add(worker_label(k), ratio(snapshot.rings[k].waiting, snapshot.rings[k].capacity));
    }
}

void add_pushes(const Snapshot& snapshot, Families& families) {
    if (snapshot.pushes) {
        families.counter("tapmeter_counter_pushes_total", "Pushes of the counters, by result.")
            .add({{"result", "ok"}}, snapshot.pushes->done)
            .add({{"result", "error"}}, snapshot.pushes->failed);
        families.counter("tapmeter_counter_push_bytes_total", "Bytes of the counters pushed.")
            .add({}, snapshot.pushes->octets);
    }
}

void add_laws(const Snapshot& snapshot, Families& families) {
    std::map<std::string, std::uint64_t> worst;
    for (const Law& law : laws(snapshot)) {
        std::uint64_t& imbalance = worst[law.key];
        imbalance = std::max(imbalance, law.imbalance);
    }
    families.gauge("tapmeter_books_imbalance",
                   "Packets, octets, flows or records that a conservation law misses or has too "
                   "many; 0 means the books balance.");
    for (const auto& [key, imbalance] : worst) {
        families.add({{"law", key}}, imbalance);
    }
}

}  // namespace

std::vector<prometheus::MetricFamily> all_families(const Snapshot& snapshot,
                                                   const Surroundings& surroundings) {
    Families families;
    add_program(snapshot, surroundings, families);
    add_restarts(snapshot, families);
    add_queues(snapshot, families);
    add_device_queues(snapshot, families);
    add_interfaces(snapshot, families);
    add_metering(snapshot, families);
    add_load(snapshot, families);
    add_overall(snapshot, families);
    add_state(snapshot, families);
    add_flows(snapshot, families);
    add_sampled(snapshot, families);
    add_applications(snapshot, families);
    add_analytics(snapshot, families);
    add_services(snapshot, families);
    add_outputs(snapshot, families);
    add_packet_files(snapshot, families);
    add_history(snapshot, families);
    add_pushes(snapshot, families);
    add_laws(snapshot, families);
    add_process_families(families);
    return families.take();
}

std::string prometheus_text(const Snapshot& snapshot, const Surroundings& surroundings) {
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, all_families(snapshot, surroundings));
    return std::move(text).str();
}

}  // namespace tapmeter::metrics
