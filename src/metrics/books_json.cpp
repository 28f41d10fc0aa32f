#include <algorithm>
#include <nlohmann/json.hpp>

#include "src/metrics/analytics.h"
#include "src/metrics/applications.h"
#include "src/metrics/books_text.h"
#include "src/metrics/csv.h"
#include "src/metrics/lag.h"
#include "src/metrics/overall.h"
#include "src/metrics/packet_files.h"
#include "src/metrics/packet_samples.h"
#include "src/metrics/restart_report.h"
#include "src/metrics/services.h"
#include "src/metrics/totals.h"

namespace tapmeter::metrics {

namespace {

using Json = nlohmann::ordered_json;  // members in the order of the road

template <class Counts, class Names>
Json named(const Counts& counts, const Names& names) {
    Json object = Json::object();
    for (std::size_t i = 0; i < counts.size(); ++i) {
        object[std::string(names[i])] = counts[i];
    }
    return object;
}

Json json_of(const Traffic& of) {
    return {{"packets", of.packets}, {"octets", of.octets}, {"layer2_octets", of.layer2_octets}};
}

// Names of the causes in force.
Json causes_of(std::uint64_t causes) {
    Json names = Json::array();
    for (std::size_t cause = 0; cause < load_causes; ++cause) {
        if (((causes >> cause) & 1U) != 0) {
            names.push_back(std::string(load_cause_names[cause]));
        }
    }
    return names;
}

// A list flattens into rows of text; an empty one into none.
Json state_of(const WorkerBooks& books) {
    return {{"state", std::string(load_state_names[books.load_state])},
            {"causes", causes_of(books.load_causes)},
            {"entered", named(books.load_entered, load_state_names)},
            {"new_flows_per_second", books.new_flows_per_second},
            {"shed_level", books.shed_level},
            {"flow_sampling", std::uint64_t{1} << books.sampling_exponent}};
}

Json json_of(const exporting::RecordTotals& totals) {
    Json object = {
        {"records", totals.records}, {"packets", totals.packets}, {"octets", totals.octets}};
    if (totals.alerts != 0) {
        object["alerts"] = totals.alerts;
    }
    return object;
}

Json json_of(const Snapshot::Interface& interface) {
    const CaptureCounters& counters = interface.counters;
    Json queues = Json::array();
    for (std::size_t i = 0; i < interface.queues.size(); ++i) {
        queues.push_back({{"queue", i},
                          {"received", interface.queues[i].received.value},
                          {"received_octets", interface.queues[i].received_octets.value}});
    }
    Json device_queues = Json::array();
    for (std::size_t i = 0; i < interface.device_queues.size(); ++i) {
        const DeviceQueueCounters& queue = interface.device_queues[i];
        device_queues.push_back({{"queue", i},
                                 {"packets", queue.packets},
                                 {"octets", queue.octets},
                                 {"errors", queue.errors},
                                 {"missed", queue.missed}});
    }
    return {{"name", interface.name},
            {"describe", interface.describe},
            {"present", counters.present},
            {"returns", counters.returns},
            {"link_up", counters.link_up},
            {"link_speed_bits", counters.link_speed_bits},
            {"offered", counters.offered.value},
            {"received", counters.received.value},
            {"received_octets", counters.received_octets.value},
            {"shunted", counters.shunted.value},
            {"shunted_octets", counters.shunted_octets.value},
            {"waiting", counters.waiting.value},
            {"queue_skew", interface.queue_skew},
            {"dropped", named(counters.dropped, dropped_names)},
            {"ignored", named(counters.ignored, ignored_names)},
            {"queues", std::move(queues)},
            {"device_queues", std::move(device_queues)}};
}

Json ignored_of(const WorkerBooks& books) {
    Json object = Json::object();
    for (std::size_t i = 0; i < left_out_reasons; ++i) {
        object[std::string(left_out_names[i])] = json_of(books.ignored[i]);
    }
    return object;
}

Json json_of(const flow::FragmentCounts& counts) {
    Json object = Json::object();
    for (const auto& [result, count] : counts.named()) {
        object[std::string(result)] = count;
    }
    return object;
}

// The first is the rest of all packets: no tunnel was left outside.
Json not_entered_of(const WorkerBooks& books) {
    Json object = named(books.not_entered, decode::not_entered_names);
    object.erase(std::string(decode::not_entered_names.front()));
    return object;
}

// The members that a worker's books and the sum of all books share.
Json json_of(const WorkerBooks& books) {
    return {{"received", {{"packets", books.received_packets}, {"octets", books.received_octets}}},
            {"folded", json_of(books.folded)},
            {"metered", json_of(books.metered)},
            {"ignored", ignored_of(books)},
            {"non_ip", named(books.non_ip, non_ip_names)},
            {"undecoded", named(books.undecoded, undecoded_names)},
            {"unmetered_octets", books.unmetered_octets},
            {"adopted", json_of(books.adopted)},
            {"flows_adopted", books.flows_adopted},
            {"flows_unsound", books.flows_unsound},
            {"flows_created", books.flows_created},
            {"flows_active", books.flows_active},
            {"flows_ended", named(books.flows_ended, flow::flow_end_reason_names)},
            {"active_cuts", books.active_cuts},
            {"ended_empty", books.ended_empty},
            {"flows_shunted", books.flows_shunted},
            {"flows_unshunted", books.flows_unshunted},
            {"shunts_refused", books.shunts_refused},
            {"records_emitted", named(books.records_emitted, flow::flow_end_reason_names)},
            {"records_refused", books.records_refused},
            {"descriptions_refused", books.descriptions_refused},
            {"reports_refused", books.reports_refused},
            {"duplicates_forgotten", books.duplicates_forgotten},
            {"emitted", json_of(books.emitted)},
            {"refused", json_of(books.refused)},
            {"in_table", json_of(books.in_table)},
            {"aggregated", json_of(books.aggregated)},
            {"aggregates_created", books.aggregates_created},
            {"aggregates_active", books.aggregates_active},
            {"evicted_unanswered", books.evicted_unanswered},
            {"evicted_answered", books.evicted_answered},
            {"sampled",
             {{"flows", sampled_json(books.sampled.flows)},
              {"packets", sampled_json(books.sampled.packets)},
              {"octets", sampled_json(books.sampled.octets)}}},
            {"inspection", inspection_json(books.inspection)},
            {"analytics", analytics_json(books.analytics)},
            {"saving", saving_json(books.saving)},
            {"history", history_json(books.history)},
            {"load", state_of(books)},
            {"first_fragments", books.first_fragments},
            {"later_fragments", books.later_fragments},
            {"waiting", json_of(books.waiting)},
            {"fragments", json_of(books.fragments)},
            {"encapsulated", named(books.encapsulated, decode::encapsulation_names)},
            {"not_entered", not_entered_of(books)},
            {"newest_packet_ns", books.newest_packet_ns}};
}

Json json_of(const Snapshot::Output& output) {
    const exporting::OutputCounters& counters = output.counters;
    Json dropped = Json::object();
    for (std::size_t i = 0; i < counters.dropped.size(); ++i) {
        dropped[std::string(exporting::record_dropped_names[i])] = json_of(counters.dropped[i]);
    }
    return {{"name", output.name},
            {"up", counters.up},
            {"group", counters.group},
            {"samples", packet_samples_json(counters.samples)},
            {"taken", json_of(counters.taken)},
            {"recovered", json_of(counters.recovered)},
            {"left_out", json_of(counters.left_out)},
            {"elsewhere", json_of(counters.elsewhere)},
            {"inherited", json_of(counters.inherited)},
            {"handed_on", json_of(counters.handed_on)},
            {"encoding", json_of(counters.encoding)},
            {"queued", json_of(counters.queued)},
            {"spooled", json_of(counters.spooled)},
            {"sent", json_of(counters.sent)},
            {"lost_in_restarts", json_of(output.lost_in_restarts)},
            {"dropped", std::move(dropped)},
            {"messages", counters.messages},
            {"message_octets", counters.message_octets},
            {"templates", counters.templates}};
}

Json json_of(const Law& law) {
    return {{"name", law.name}, {"key", law.key},     {"equation", law.equation},
            {"left", law.left}, {"right", law.right}, {"imbalance", law.imbalance}};
}

template <class Accounts>
Json list_of(const Accounts& accounts) {
    Json list = Json::array();
    for (const auto& account : accounts) {
        list.push_back(json_of(account));
    }
    return list;
}

Json books(const Snapshot& snapshot) {
    Json workers = Json::array();
    for (std::size_t k = 0; k < snapshot.workers.size(); ++k) {
        Json worker{{"worker", k}};
        worker.update(json_of(snapshot.workers[k].books));
        workers.push_back(std::move(worker));
    }
    Json rings = Json::array();
    for (std::size_t k = 0; k < snapshot.rings.size(); ++k) {
        const Snapshot::Ring& ring = snapshot.rings[k];
        rings.push_back({{"worker", k},
                         {"capacity", ring.capacity},
                         {"waiting", ring.waiting},
                         {"taken", json_of(ring.taken)}});
    }
    const std::vector<Law> all_laws = laws(snapshot);
    const Overall state = overall(snapshot);
    return {{"balanced", balanced(all_laws)},
            {"state", std::string(load_state_names[static_cast<std::size_t>(state.state)])},
            {"causes", state.causes},
            {"settled", snapshot.settled},
            {"start_time_seconds", snapshot.start_time_seconds},
            {"uptime_seconds", snapshot.uptime_seconds},
            {"restarts", restarts_json(snapshot.restarts)},
            {"interfaces", list_of(snapshot.interfaces)},
            {"steering_waiting", snapshot.steering_waiting},
            {"shunt_waiting", snapshot.shunt_waiting},
            {"total", json_of(all_workers(snapshot))},
            {"workers", std::move(workers)},
            {"rings", std::move(rings)},
            {"outputs", list_of(snapshot.outputs)},
            {"packet_files", packet_files_json(snapshot)},
            {"recalls", recalls_json(snapshot)},
            {"laws", list_of(all_laws)}};
}

Json load_of(const Snapshot& snapshot, std::size_t k) {
    const Snapshot::Worker& worker = snapshot.workers[k];
    const WorkerBooks& books = worker.books;
    const Snapshot::Ring ring = k < snapshot.rings.size() ? snapshot.rings[k] : Snapshot::Ring{};
    return {{"worker", k},
            {"core", worker.core},
            {"state", std::string(load_state_names[books.load_state])},
            {"causes", causes_of(books.load_causes)},
            {"flow_sampling", std::uint64_t{1} << books.sampling_exponent},
            {"new_flows_per_second", books.new_flows_per_second},
            {"received_packets", books.received_packets},
            {"received_octets", books.received_octets},
            {"busy_cycles", books.busy_cycles},
            {"cycles", books.cycles},
            {"busy_ratio", ratio(books.busy_cycles, books.cycles)},
            {"bursts", books.bursts},
            {"packets_per_burst", ratio(books.received_packets, books.bursts)},
            {"flows_active", books.flows_active},
            {"flows_max", worker.flows_max},
            {"flow_table_used_ratio", ratio(books.flows_active, worker.flows_max)},
            {"flow_table_octets", worker.table_octets},
            {"ring_waiting", ring.waiting},
            {"ring_capacity", ring.capacity},
            {"ring_used_ratio", ratio(ring.waiting, ring.capacity)}};
}

Json stats(const Snapshot& snapshot) {
    Json interfaces = Json::array();
    for (const Snapshot::Interface& interface : snapshot.interfaces) {
        const CaptureCounters& counters = interface.counters;
        const std::uint64_t lost = sum(counters.dropped);
        interfaces.push_back({{"name", interface.name},
                              {"link_up", counters.link_up},
                              {"offered", counters.offered.value},
                              {"received", counters.received.value},
                              {"dropped", lost},
                              {"ignored", sum(counters.ignored)},
                              {"dropped_ratio", ratio(lost, counters.received.value + lost)}});
    }
    Json workers = Json::array();
    for (std::size_t k = 0; k < snapshot.workers.size(); ++k) {
        workers.push_back(load_of(snapshot, k));
    }
    Json outputs = Json::array();
    for (const Snapshot::Output& output : snapshot.outputs) {
        outputs.push_back({{"name", output.name},
                           {"up", output.counters.up},
                           {"records_sent", output.counters.sent.records},
                           {"records_dropped", records_dropped(output.counters)},
                           {"messages", output.counters.messages},
                           {"message_octets", output.counters.message_octets},
                           {"lag", lag_as_json(output.counters.lag)}});
    }
    const Overall state = overall(snapshot);
    return {{"uptime_seconds", snapshot.uptime_seconds},
            {"state", std::string(load_state_names[static_cast<std::size_t>(state.state)])},
            {"causes", state.causes},
            {"interfaces", std::move(interfaces)},
            {"workers", std::move(workers)},
            {"outputs", std::move(outputs)},
            {"services", services_json(snapshot)}};
}

// Names that are no valid UTF-8 are repaired rather than thrown at.
std::string dumped(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// One line a value; numbers are written as they are, also negative ones.
void add_rows(const std::string& lead, const std::string& path, const Json& value,
              std::string& csv) {
    const Json flat = value.flatten();
    for (const auto& [pointer, leaf] : flat.items()) {
        if (leaf.is_null()) {
            continue;  // an empty list: an interface without queues
        }
        std::string counter = path + pointer;
        std::ranges::replace(counter, '/', '.');
        counter.erase(0, counter.starts_with('.') ? 1 : 0);
        const std::string text =
            leaf.is_string() ? csv_cell(leaf.get<std::string>()) : dumped(leaf);
        csv += lead + csv_cell(counter) + "," + text + "\n";
    }
}

// What tells the members of a list apart: their first value, "name", "worker" or "queue".
std::string member_name(const Json& member) {
    const Json& first = member.front();
    return first.is_string() ? first.get<std::string>() : dumped(first);
}

std::string csv_of(const Json& json) {
    std::string csv = "account,member,counter,value\n";
    for (const auto& [account, value] : json.items()) {
        if (!value.is_array()) {
            add_rows(account + ",,", "", value, csv);
            continue;
        }
        for (const Json& member : value) {
            const std::string lead = account + "," + csv_cell(member_name(member)) + ",";
            for (const auto& [counter, leaf] : member.items()) {
                add_rows(lead, counter, leaf, csv);
            }
        }
    }
    return csv;
}

}  // namespace

std::string books_as_json(const Snapshot& snapshot) {
    return dumped(books(snapshot));
}
std::string books_as_csv(const Snapshot& snapshot) {
    return csv_of(books(snapshot));
}
std::string stats_as_json(const Snapshot& snapshot) {
    return dumped(stats(snapshot));
}
std::string stats_as_csv(const Snapshot& snapshot) {
    return csv_of(stats(snapshot));
}

}  // namespace tapmeter::metrics
