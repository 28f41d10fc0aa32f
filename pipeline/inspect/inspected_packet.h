#pragma once

#include <cstdint>

#include "pipeline/base/units.h"
#include "pipeline/decode/headers.h"

namespace tapmeter::inspect {

// The state of a flow that is being inspected, among those of its worker.
enum class StateIndex : std::uint32_t {};

// Who sent a packet, as far as its flow knows by now.
enum class Direction : std::uint8_t { from_initiator, from_responder };

// One packet of a flow that is not decided yet, as every part of the inspection sees it. Views end
// with the burst.
struct InspectedPacket {
    const decode::Headers& headers;  // with `ip` and `payload`, as captured
    ObservedAt at;
    Direction direction;
    StateIndex state;
};

}  // namespace tapmeter::inspect
