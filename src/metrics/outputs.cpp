#include "src/metrics/outputs.h"

#include <array>
#include <numeric>
#include <string>
#include <string_view>

#include "src/metrics/lag.h"
#include "src/metrics/packet_samples.h"
#include "src/metrics/totals.h"

namespace tapmeter::metrics {

namespace {

Labels output_label(const Snapshot::Output& output) {
    return {{"output", output.name}};
}

// Families with one value for each output.
struct OutputFamily {
    bool counts;  // else a gauge
    std::string_view name;
    std::string_view help;
    std::uint64_t (*value)(const exporting::OutputCounters& counters);
};
using OfOutput = const exporting::OutputCounters&;
std::uint64_t alerts_dropped(OfOutput counters) {
    return std::accumulate(
        counters.dropped.begin(), counters.dropped.end(), std::uint64_t{0},
        [](std::uint64_t sum, const auto& dropped) { return sum + dropped.alerts; });
}
constexpr std::array output_families{
    OutputFamily{true, "tapmeter_export_records_total", "Flow records handed to an output.",
                 [](OfOutput c) { return c.taken.records; }},
    OutputFamily{true, "tapmeter_export_records_sent_total",
                 "Flow records that the output's socket or file has accepted.",
                 [](OfOutput c) { return c.sent.records; }},
    OutputFamily{true, "tapmeter_export_records_elsewhere_total",
                 "Flow records that another collector of the output's group has.",
                 [](OfOutput c) { return c.elsewhere.records; }},
    OutputFamily{true, "tapmeter_export_records_inherited_total",
                 "Flow records that had waited for a collector of the group that went away.",
                 [](OfOutput c) { return c.inherited.records; }},
    OutputFamily{true, "tapmeter_export_records_handed_on_total",
                 "Flow records that waited here and went to another collector of the group.",
                 [](OfOutput c) { return c.handed_on.records; }},
    OutputFamily{false, "tapmeter_export_records_waiting",
                 "Flow records in an output: in the message in progress and in its queue.",
                 [](OfOutput c) { return c.encoding.records + c.queued.records; }},
    OutputFamily{true, "tapmeter_export_alerts_total", "Alerts sent by an output.",
                 [](OfOutput c) { return c.sent.alerts; }},
    OutputFamily{true, "tapmeter_export_alerts_dropped_total", "Alerts that an output lost.",
                 alerts_dropped},
    OutputFamily{false, "tapmeter_spool_records", "Flow records of an output that wait on disk.",
                 [](OfOutput c) { return c.spooled.records; }},
    OutputFamily{true, "tapmeter_spool_recovered_total",
                 "Flow records that a run before had left on disk.",
                 [](OfOutput c) { return c.recovered.records; }},
    OutputFamily{true, "tapmeter_spool_corrupt_total",
                 "Places of spool files that could not be read.",
                 [](OfOutput c) { return c.spool_damage; }},
    OutputFamily{true, "tapmeter_export_messages_total", "Messages sent by an output.",
                 [](OfOutput c) { return c.messages; }},
    OutputFamily{true, "tapmeter_export_bytes_total", "Bytes sent by an output.",
                 [](OfOutput c) { return c.message_octets; }},
    OutputFamily{true, "tapmeter_export_templates_total", "Template sets sent by an output.",
                 [](OfOutput c) { return c.templates; }},
    OutputFamily{false, "tapmeter_export_up", "Whether the last send of an output succeeded.",
                 [](OfOutput c) { return std::uint64_t{c.up ? 1U : 0U}; }},
};

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
    for (const OutputFamily& family : output_families) {
        if (family.counts) {
            families.counter(family.name, family.help);
        } else {
            families.gauge(family.name, family.help);
        }
        for (const Snapshot::Output& output : snapshot.outputs) {
            families.add(output_label(output), family.value(output.counters));
        }
    }
    families.histogram("tapmeter_export_lag_seconds",
                       "From the last packet of a flow record to its departure.");
    for (const Snapshot::Output& output : snapshot.outputs) {
        families.add(output_label(output), lag_as_histogram(output.counters.lag));
    }
    add_packet_samples(snapshot, families);
}

}  // namespace tapmeter::metrics
