#pragma once

#include <nlohmann/json.hpp>

#include "src/metrics/families.h"
#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// What a sum over the chosen packets may be wrong by, in percent of it, 19 times in 20: sFlow's
// rule for c of them, 196 * sqrt(1 / c), less where most packets are chosen. 0: there are none.
double sampling_error_percent(const SampledSum& sum);

// What was counted, what it stands for, and how sure that is.
nlohmann::ordered_json sampled_json(const SampledSum& sum);

// Packets that an output was sent, and what they stand for. Null: it is sent none.
nlohmann::ordered_json packet_samples_json(const exporting::PacketSamples& samples);

// Families of a program with such an output; none of one without.
void add_packet_samples(const Snapshot& snapshot, Families& families);

}  // namespace tapmeter::metrics
