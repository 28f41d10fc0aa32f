#include "src/metrics/packet_samples.h"

#include <array>
#include <string>
#include <string_view>

namespace tapmeter::metrics {

namespace {

using exporting::PacketSamples;

// One family with one value for each output that is sent packets.
template <class Value>
void add_for_outputs(const Snapshot& snapshot, Families& families, Value value) {
    for (const Snapshot::Output& output : snapshot.outputs) {
        if (output.counters.samples.one_in != 0) {
            families.add({{"output", output.name}}, value(output.counters.samples));
        }
    }
}

void add_lost(const Snapshot& snapshot, Families& families) {
    constexpr std::array<std::string_view, 3> reasons{"ring_full", "send_error", "not_expressible"};
    families.counter("tapmeter_samples_dropped_total",
                     "Packets that were chosen for an output and lost, by the reason.");
    for (const Snapshot::Output& output : snapshot.outputs) {
        const PacketSamples& samples = output.counters.samples;
        if (samples.one_in != 0) {
            families.add_each(
                {{"output", output.name}}, "reason",
                std::array{samples.ring_full, samples.send_error, samples.not_expressible},
                reasons);
        }
    }
}

}  // namespace

double sampling_error_percent(const SampledSum& sum) {
    return sum.estimated > 0 ? 100 * error_bound(sum.variance) / sum.estimated : 0;
}

nlohmann::ordered_json sampled_json(const SampledSum& sum) {
    return {{"counted", sum.counted},
            {"estimated", sum.estimated},
            {"error_bound", error_bound(sum.variance)}};
}

nlohmann::ordered_json packet_samples_json(const PacketSamples& samples) {
    if (samples.one_in == 0) {
        return nullptr;
    }
    return {{"one_in", samples.one_in},
            {"taken", samples.taken},
            {"waiting", samples.waiting},
            {"sent", samples.sent},
            {"send_error", samples.send_error},
            {"not_expressible", samples.not_expressible},
            {"ring_full", samples.ring_full},
            {"pool", samples.pool},
            {"packets", sampled_json(samples.packets)},
            {"octets", sampled_json(samples.octets)}};
}

void add_packet_samples(const Snapshot& snapshot, Families& families) {
    using Samples = const PacketSamples&;
    families.counter("tapmeter_samples_total", "Packets chosen for an output.");
    add_for_outputs(snapshot, families, [](Samples s) { return s.taken + s.ring_full; });
    families.counter("tapmeter_samples_sent_total",
                     "Chosen packets that the output's socket has accepted.");
    add_for_outputs(snapshot, families, [](Samples s) { return s.sent; });
    add_lost(snapshot, families);
    families.gauge("tapmeter_samples_waiting", "Chosen packets that wait for the output.");
    add_for_outputs(snapshot, families, [](Samples s) { return s.waiting; });
    families.counter("tapmeter_sample_pool_packets_total",
                     "Packets among which those of an output were chosen.");
    add_for_outputs(snapshot, families, [](Samples s) { return s.pool; });
    families.gauge("tapmeter_sample_estimate_packets", "Packets that the chosen ones stand for.");
    add_for_outputs(snapshot, families, [](Samples s) { return s.packets.estimated; });
    families.gauge("tapmeter_sample_estimate_packets_error",
                   "By how much that may be wrong, 19 times in 20.");
    add_for_outputs(snapshot, families, [](Samples s) { return error_bound(s.packets.variance); });
    families.gauge("tapmeter_sample_estimate_bytes",
                   "Bytes that the chosen packets stand for, frame check sequence excluded.");
    add_for_outputs(snapshot, families, [](Samples s) { return s.octets.estimated; });
    families.gauge("tapmeter_sample_estimate_bytes_error",
                   "By how much that may be wrong, 19 times in 20.");
    add_for_outputs(snapshot, families, [](Samples s) { return error_bound(s.octets.variance); });
}

}  // namespace tapmeter::metrics
