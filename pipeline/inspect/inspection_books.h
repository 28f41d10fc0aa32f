#pragma once

#include <array>
#include <cstdint>

#include "pipeline/flow/application.h"

namespace tapmeter::inspect {

// The part of a worker's books that speaks of inspection. At every look:
//     flows = undecided + sum(ended)
struct InspectionBooks {
    std::uint64_t flows = 0;                                // that began while inspection was on
    std::uint64_t undecided = 0;                            // have a state now
    std::array<std::uint64_t, flow::inspections> ended{};   // by flow::Inspection; 0 and 1 stay 0
    std::array<std::uint64_t, flow::confidences> labels{};  // of `ended`, by confidence
    std::uint64_t described = 0;              // of them, with names or fingerprints that are kept
    std::uint64_t metadata_refused = 0;       // not looked for: no room to keep them
    std::uint64_t packets = 0;                // inspected
    std::uint64_t octets = 0;                 // of them, layer 3 as captured
    std::uint64_t cycles = 0;                 // spent
    std::uint64_t dissector_octets = 0;       // memory that nDPI has out
    std::uint64_t dissector_octets_left = 0;  // and may still take
    std::uint64_t dissector_refusals = 0;     // allocations that found none
};

}  // namespace tapmeter::inspect
