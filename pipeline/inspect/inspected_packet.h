#pragma once

#include <cstdint>

#include "pipeline/base/packet.h"
#include "pipeline/base/units.h"
#include "pipeline/decode/headers.h"
#include "pipeline/inspect/rules/application.h"

namespace tapmeter::inspect {

// The state of a flow that is being inspected, among those of its worker.
enum class StateIndex : std::uint32_t {};

// Who sent a packet, as far as its flow knows by now.
enum class Direction : std::uint8_t { from_initiator, from_responder };

// Index of what is kept for each of a flow's ends: 0 the initiator.
constexpr std::uint8_t side_of(Direction direction) noexcept {
    return direction == Direction::from_initiator ? 0 : 1;
}
constexpr std::uint8_t other_side(std::uint8_t side) noexcept {
    return static_cast<std::uint8_t>(1 - side);
}

// One packet of a flow that is not decided yet, as every part of the inspection sees it. Views end
// with the burst.
struct InspectedPacket {
    const decode::Headers& headers;  // with `ip` and `payload`, as captured
    ObservedAt at;
    Direction direction;
    StateIndex state;
    std::uint16_t observation_point = 0;
    std::uint64_t flow_id = 0;  // as in the flow's records
    // What a dissector has told, this packet included; for flows that no extractor reads.
    rules::Application spoken = rules::Application::unknown;
};

}  // namespace tapmeter::inspect
