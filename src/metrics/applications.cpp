#include "src/metrics/applications.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "src/metrics/totals.h"

namespace tapmeter::metrics {

namespace {

using inspect::InspectionBooks;

template <class Value>
void add_for_workers(const Snapshot& snapshot, Families& families, Value value) {
    for (std::size_t k = 0; k < snapshot.workers.size(); ++k) {
        families.add({{"worker", std::to_string(k)}}, value(snapshot.workers[k].books.inspection));
    }
}

void add_inspection(const Snapshot& snapshot, Families& families) {
    const InspectionBooks all = all_workers(snapshot).inspection;
    families.counter("tapmeter_dpi_flows_total", "Flows whose inspection is over, by how it went.");
    // Behind `off` and `undecided`, which are no ends.
    constexpr std::size_t first = static_cast<std::size_t>(flow::Inspection::decided);
    for (std::size_t result = first; result < flow::inspections; ++result) {
        families.add({{"result", std::string(flow::inspection_names[result])}}, all.ended[result]);
    }
    families.counter("tapmeter_dpi_verdicts_total",
                     "Flows that got an application verdict, by confidence.");
    families.add_each({}, "confidence", all.labels, flow::confidence_names);
    families.counter("tapmeter_dpi_flows_described_total",
                     "Flows whose server name, URL or fingerprints were kept.");
    add_for_workers(snapshot, families, [](const auto& books) { return books.described; });
    families.counter("tapmeter_dpi_descriptions_refused_total",
                     "Flows whose names were not looked for: there was no room to keep them.");
    add_for_workers(snapshot, families, [](const auto& books) { return books.metadata_refused; });
    families.gauge("tapmeter_dpi_flows_undecided", "Flows that are being inspected.");
    add_for_workers(snapshot, families, [](const auto& books) { return books.undecided; });
    families.counter("tapmeter_dpi_packets_total", "Packets that were inspected.");
    add_for_workers(snapshot, families, [](const auto& books) { return books.packets; });
    families.counter("tapmeter_dpi_bytes_total", "IP bytes that were inspected, as captured.");
    add_for_workers(snapshot, families, [](const auto& books) { return books.octets; });
    families.counter("tapmeter_dpi_cycles_total",
                     "Processor cycles that a worker spent on inspection.");
    add_for_workers(snapshot, families, [](const auto& books) { return books.cycles; });
    families.counter("tapmeter_dpi_datagrams_total",
                     "Datagrams in fragments: put together to be inspected, or given up.");
    families.add({{"result", "joined"}}, all.datagrams_joined);
    families.add({{"result", "given_up"}}, all.datagrams_given_up);
    families.gauge("tapmeter_dpi_memory_used_bytes", "Memory that nDPI has in use.");
    add_for_workers(snapshot, families, [](const auto& books) { return books.dissector_octets; });
    families.gauge("tapmeter_dpi_flow_memory_bytes",
                   "Memory in use for flows that are being inspected: states, nDPI's blocks, "
                   "streams that wait, what signatures remember.");
    add_for_workers(snapshot, families, [](const auto& books) { return books.flow_octets; });
    families.counter("tapmeter_dpi_allocations_refused_total",
                     "Times that nDPI asked for memory and there was none.");
    add_for_workers(snapshot, families, [](const auto& books) { return books.dissector_refusals; });
}

void add_signatures(const Snapshot& snapshot, Families& families) {
    families.counter("tapmeter_signature_packets_total", "Packets compared with signatures.");
    add_for_workers(snapshot, families, [](const auto& b) { return b.signatures.packets; });
    families.counter("tapmeter_signature_bytes_total",
                     "Bytes of payloads, streams and messages that were scanned.");
    add_for_workers(snapshot, families, [](const auto& b) { return b.signatures.octets; });
    families.counter("tapmeter_signature_matches_total", "Rules that held.");
    add_for_workers(snapshot, families, [](const auto& b) { return b.signatures.matches; });
    families.counter("tapmeter_alerts_total", "Alerts of signatures, by what became of them.");
    const inspect::SignatureBooks all = all_workers(snapshot).inspection.signatures;
    families.add({{"result", "emitted"}}, all.emitted);
    families.add({{"result", "ring_full"}}, all.refused);
    families.add({{"result", "suppressed"}}, all.suppressed);
    families.counter("tapmeter_signature_flows_shed_total",
                     "Flows that were no longer compared: the worker had no cycles left.");
    add_for_workers(snapshot, families, [](const auto& b) { return b.signatures.flows_shed; });
    families.counter("tapmeter_signature_limits_total",
                     "Scans, lists and verifications that met their limit.");
    add_for_workers(snapshot, families, [](const auto& b) { return b.signatures.limited; });
    families.counter("tapmeter_signature_streams_refused_total",
                     "Parts of streams compared without what came before: no memory was free.");
    add_for_workers(snapshot, families,
                    [](const auto& b) { return b.signatures.histories_refused; });
    families.counter("tapmeter_signature_memories_refused_total",
                     "Matches that their flow could not remember: no memory was free.");
    add_for_workers(snapshot, families,
                    [](const auto& b) { return b.signatures.memories_refused; });
}

// One family with one value for each application, the small ones together.
template <class Value>
void add_each_application(const Snapshot& snapshot, Families& families, Value value) {
    const std::span all{snapshot.applications};
    const std::size_t shown = std::min(all.size(), applications_shown_max);
    std::uint64_t other = 0;
    for (const auto& total : all.subspan(shown)) {
        other += value(total);
    }
    for (const auto& total : all.first(shown)) {
        families.add({{"app", total.name}}, value(total));
    }
    if (shown < all.size()) {
        families.add({{"app", "other"}}, other);
    }
}

}  // namespace

void add_applications(const Snapshot& snapshot, Families& families) {
    if (all_workers(snapshot).inspection.flows == 0) {
        return;
    }
    add_inspection(snapshot, families);
    if (all_workers(snapshot).inspection.signatures.packets != 0) {
        add_signatures(snapshot, families);
    }
    families.counter("tapmeter_app_bytes_total",
                     "IP bytes by application; the applications beyond the largest are summed as "
                     "\"other\".");
    add_each_application(snapshot, families, [](const auto& total) { return total.octets; });
    families.counter("tapmeter_app_packets_total", "Packets by application.");
    add_each_application(snapshot, families, [](const auto& total) { return total.packets; });
}

namespace {

using Json = nlohmann::ordered_json;

template <class Counts, class Names>
Json named(const Counts& counts, const Names& names) {
    Json object = Json::object();
    for (std::size_t i = 0; i < counts.size(); ++i) {
        object[std::string(names[i])] = counts[i];
    }
    return object;
}

Json json_of(const inspect::SignatureBooks& books) {
    return {{"packets", books.packets},
            {"octets", books.octets},
            {"candidates", books.candidates},
            {"matches", books.matches},
            {"silent", books.silent},
            {"passed", books.passed},
            {"raised", books.raised},
            {"emitted", books.emitted},
            {"refused", books.refused},
            {"suppressed", books.suppressed},
            {"flows_shed", books.flows_shed},
            {"histories_refused", books.histories_refused},
            {"memories_refused", books.memories_refused},
            {"limited", books.limited},
            {"reloads", books.reloads}};
}

}  // namespace

Json inspection_json(const InspectionBooks& books) {
    return {{"flows", books.flows},
            {"undecided", books.undecided},
            {"states", books.states},
            {"reclaimed", books.reclaimed},
            {"ended", named(books.ended, flow::inspection_names)},
            {"fully", books.fully()},
            {"labels", named(books.labels, flow::confidence_names)},
            {"described", books.described},
            {"metadata_refused", books.metadata_refused},
            {"datagrams_joined", books.datagrams_joined},
            {"datagrams_given_up", books.datagrams_given_up},
            {"packets", books.packets},
            {"octets", books.octets},
            {"cycles", books.cycles},
            {"dissector_octets", books.dissector_octets},
            {"dissector_octets_left", books.dissector_octets_left},
            {"dissector_refusals", books.dissector_refusals},
            {"flow_octets", books.flow_octets},
            {"signatures", json_of(books.signatures)}};
}

}  // namespace tapmeter::metrics
