#include "src/metrics/outputs.h"

#include "src/metrics/totals.h"

namespace tapmeter::metrics {

namespace {

Labels output_label(const Snapshot::Output& output) {
    return {{"output", output.name}};
}

template <class Value>
void add_for_outputs(const Snapshot& snapshot, Families& families, Value value) {
    for (const Snapshot::Output& output : snapshot.outputs) {
        families.add(output_label(output), value(output.counters));
    }
}

}  // namespace

void add_outputs(const Snapshot& snapshot, Families& families) {
    const std::uint64_t ring_full = all_workers(snapshot).records_refused;
    families.counter("tapmeter_records_dropped_total",
                     "Flow records lost between a worker and an output.");
    for (const Snapshot::Output& output : snapshot.outputs) {
        // A record that found its ring full is lost to every output.
        families.add({{"output", output.name}, {"reason", "ring_full"}}, ring_full);
        for (std::size_t i = 0; i < exporting::record_dropped_reasons; ++i) {
            families.add({{"output", output.name},
                          {"reason", std::string(exporting::record_dropped_names[i])}},
                         output.counters.dropped[i].records);
        }
    }
    families.counter("tapmeter_export_records_total", "Flow records handed to an output.");
    add_for_outputs(snapshot, families, [](const auto& c) { return c.taken.records; });
    families.counter("tapmeter_export_records_sent_total",
                     "Flow records that the output's socket or file has accepted.");
    add_for_outputs(snapshot, families, [](const auto& c) { return c.sent.records; });
    families.gauge("tapmeter_export_records_waiting",
                   "Flow records in an output: in the message in progress and in its queue.");
    add_for_outputs(snapshot, families,
                    [](const auto& c) { return c.encoding.records + c.queued.records; });
    families.counter("tapmeter_export_alerts_total", "Alerts sent by an output.");
    add_for_outputs(snapshot, families, [](const auto& c) { return c.sent.alerts; });
    families.counter("tapmeter_export_alerts_dropped_total", "Alerts that an output lost.");
    add_for_outputs(snapshot, families,
                    [](const auto& c) { return c.dropped[0].alerts + c.dropped[1].alerts; });
    families.counter("tapmeter_export_messages_total", "Messages sent by an output.");
    add_for_outputs(snapshot, families, [](const auto& c) { return c.messages; });
    families.counter("tapmeter_export_bytes_total", "Bytes sent by an output.");
    add_for_outputs(snapshot, families, [](const auto& c) { return c.message_octets; });
    families.counter("tapmeter_export_templates_total", "Template sets sent by an output.");
    add_for_outputs(snapshot, families, [](const auto& c) { return c.templates; });
    families.gauge("tapmeter_export_up", "Whether the last send of an output succeeded.");
    add_for_outputs(snapshot, families, [](const auto& c) { return c.up ? 1.0 : 0.0; });
}

}  // namespace tapmeter::metrics
