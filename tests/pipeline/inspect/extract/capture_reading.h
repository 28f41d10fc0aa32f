#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pipeline/inspect/extract/extractor.h"

namespace tapmeter::inspect::extract::testing {

// One direction of a flow, as the oracle's rows name it.
struct Sender {
    unsigned protocol = 0;
    std::string source;
    unsigned source_port = 0;
    std::string destination;
    unsigned destination_port = 0;

    auto operator<=>(const Sender&) const = default;
};

// Values by the names that tshark gives its fields.
using Values = std::map<std::string, std::set<std::string>>;

// All that the extractor found in one capture, by direction.
struct CaptureReading {
    std::set<Sender> seen;  // directions that had a packet
    std::map<Sender, Values> found;
    std::uint64_t packets = 0;
    std::array<std::uint64_t, read_events> read{};
    std::array<std::uint64_t, stream_events> streams{};
};

// Runs a capture file through reader, decoder, a table of flows, reassembly and extractors.
// Nothing: the file cannot be opened.
std::optional<CaptureReading> read_capture(const std::filesystem::path& path);

}  // namespace tapmeter::inspect::extract::testing
