#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "pipeline/flow/application.h"

namespace tapmeter::inspect {

// What signatures did. At every look:
//     raised = emitted + refused + suppressed
struct SignatureBooks {
    std::uint64_t packets = 0;            // compared
    std::uint64_t octets = 0;             // of payloads, streams and messages that were scanned
    std::uint64_t candidates = 0;         // rules that a scan made worth a closer look
    std::uint64_t matches = 0;            // rules that held
    std::uint64_t silent = 0;             // of them, those with noalert
    std::uint64_t passed = 0;             // packets on which a pass rule ended it
    std::uint64_t raised = 0;             // alerts
    std::uint64_t emitted = 0;            // handed to the exporter core
    std::uint64_t refused = 0;            // its ring was full
    std::uint64_t suppressed = 0;         // by the rule's threshold or detection_filter
    std::uint64_t flows_shed = 0;         // no longer compared: no cycles left
    std::uint64_t histories_refused = 0;  // parts of streams compared without what came before
    std::uint64_t memories_refused = 0;   // matches that their flow could not remember
    std::uint64_t limited = 0;            // scans, lists and verifications that met their limit
    std::uint64_t reloads = 0;
};

// The part of a worker's books that speaks of inspection. At every look:
//     flows = undecided + sum(ended)
struct InspectionBooks {
    std::uint64_t flows = 0;      // that began while inspection was on
    std::uint64_t undecided = 0;  // of them, not ended yet
    std::uint64_t reclaimed = 0;  // states of flows that were quiet, given to others
    std::uint64_t states = 0;     // in use: undecided, or decided and still read
    std::array<std::uint64_t, flow::inspections> ended{};   // by flow::Inspection; 0 and 1 stay 0
    std::array<std::uint64_t, flow::confidences> labels{};  // of `ended`, by confidence
    std::uint64_t described = 0;              // of them, with names or fingerprints that are kept
    std::uint64_t metadata_refused = 0;       // not kept: no room
    std::uint64_t datagrams_joined = 0;       // of their fragments, to be looked into
    std::uint64_t datagrams_given_up = 0;     // of which not all fragments were had
    std::uint64_t packets = 0;                // inspected
    std::uint64_t octets = 0;                 // of them, layer 3 as captured
    std::uint64_t cycles = 0;                 // spent
    std::uint64_t dissector_octets = 0;       // memory that nDPI has out
    std::uint64_t dissector_octets_left = 0;  // and may still take
    std::uint64_t dissector_refusals = 0;     // allocations that found none
    // Memory in use for flows that have a state: states, nDPI's blocks, streams that wait for more,
    // what signatures remember. Without `described`, which a flow keeps until it leaves.
    std::uint64_t flow_octets = 0;
    SignatureBooks signatures{};

    // Flows whose inspection is over, and those of them that were inspected as far as they needed:
    // neither states nor cycles ran out, and nobody interrupted it.
    constexpr std::uint64_t over() const noexcept {
        return std::accumulate(ended.begin(), ended.end(), std::uint64_t{0});
    }
    constexpr std::uint64_t fully() const noexcept {
        using flow::Inspection;
        return of(Inspection::decided) + of(Inspection::guessed) + of(Inspection::unknown);
    }

private:
    constexpr std::uint64_t of(flow::Inspection how) const noexcept {
        return ended[static_cast<std::size_t>(how)];
    }
};

}  // namespace tapmeter::inspect
