#pragma once

#include <cstdint>

#include "pipeline/base/packet.h"
#include "pipeline/flow/flow.h"
#include "pipeline/flow/flow_record.h"

namespace tapmeter::flow {

// What one packet means for its flow: the facts that outlive the frame's buffer.
struct Observation {
    ObservedAt at{};
    std::uint32_t octets = 0;         // layer 3
    std::uint32_t layer2_octets = 0;  // on the wire, without FCS
    std::uint16_t tcp_control_bits = 0;
    std::uint16_t observation_point = 0;
    Sender sender = Sender::low;
    std::uint8_t protocol = 0;
    std::uint8_t type_of_service = 0;
    std::uint8_t time_to_live = 0;
    std::uint8_t icmp_type = 0;
    std::uint8_t icmp_code = 0;
};

Observation observation_of(const decode::Headers& headers, const Packet& packet,
                           Sender sender) noexcept;

// Makes a flow of its first packet.
void begin(Flow& flow, const FlowKey& key, const Observation& first) noexcept;

// Adds one more packet.
void update(Flow& flow, const Observation& packet) noexcept;

// True where this packet opens a new connection although its flow has ended already: a SYN after
// FIN both ways or RST. The old flow must leave first.
bool reopens(const Flow& flow, const Observation& packet) noexcept;

// The flow as it leaves: source = the initiator as far as it is known, else the sender of the
// first packet.
FlowRecord record_of(const Flow& flow, const FlowOrigin& origin, FlowEndReason reason) noexcept;

// After a record was cut by the active timeout: the flow goes on with nothing counted yet.
void clear_after_cut(Flow& flow) noexcept;

}  // namespace tapmeter::flow
