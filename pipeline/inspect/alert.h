#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "pipeline/base/ring.h"
#include "pipeline/base/units.h"
#include "pipeline/decode/headers.h"
#include "pipeline/inspect/rules/application.h"
#include "pipeline/inspect/rules/rule.h"

namespace tapmeter::inspect {

// A rule that matched, as it crosses from a worker to the exporter core. Plain octets; its words
// (message, category) stay in the set of signatures that it names by generation.
struct alignas(cache_line_octets) Alert {
    decode::Address source{};  // of the packet that completed the match; IPv4 in the last octets
    decode::Address destination{};
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t protocol = 0;
    std::uint8_t ip_version = 0;  // 4 or 6
    rules::Application application = rules::Application::unknown;
    rules::Action action = rules::Action::alert;
    std::uint32_t gid = 0;
    std::uint32_t sid = 0;
    std::uint32_t rev = 0;
    std::uint32_t rule = 0;        // index in the set
    std::uint32_t generation = 0;  // of the set
    std::uint16_t worker = 0;
    std::uint16_t observation_point = 0;
    std::uint64_t flow_id = 0;  // as in the flow's records; 0: the packet has no flow
    ObservedAt at{};
    bool to_server = false;
    std::uint8_t severity = 0;    // the rule's priority; 1 is the gravest
    std::uint8_t matched_in = 0;  // index of the rules::Buffer that completed the match
    std::array<std::uint8_t, 37> unused{};
};
static_assert(sizeof(Alert) == 2 * cache_line_octets);
static_assert(std::is_trivially_copyable_v<Alert>, "crosses the ring as octets");

// One ring a worker, beside its ring of records.
using AlertRing = Ring<Alert>;

// Why a match of a rule raised no alert, and what became of those that did:
//     raised = emitted + refused + suppressed
struct AlertCounts {
    std::uint64_t raised = 0;
    std::uint64_t emitted = 0;     // pushed into the ring
    std::uint64_t refused = 0;     // the ring was full
    std::uint64_t suppressed = 0;  // by the rule's own threshold or detection_filter
};

}  // namespace tapmeter::inspect
