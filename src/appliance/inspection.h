#pragma once

#include "pipeline/inspect/inspector.h"
#include "src/config/config.h"

namespace tapmeter {

// What the configuration says of inspection, in the words of pipeline/inspect/. The number of
// flows is left to the caller.
// recorded  packets of a file wait for their inspection, and memory takes pages as it is touched
inspect::Inspector::Settings inspection_settings(const Config& config, bool recorded);
inspect::Dissector::Settings dissector_settings(const Config& config, bool recorded);
inspect::ContentReader::Settings content_settings(const Config& config, bool recorded);
// Without kit, alerts and worker.
inspect::Comparison::Settings comparison_settings(const Config& config, bool recorded);

// Memory that inspection takes at the start, of all workers together.
std::uint64_t inspection_octets(const Config& config, std::uint32_t workers);

}  // namespace tapmeter
