#pragma once

#include <algorithm>
#include <cstdint>

#include "pipeline/flow/flow.h"

namespace tapmeter::flow {

// Many packets of one endpoint, counted elsewhere.
struct Train {
    Side side{};  // at least one packet, but for octets that were late
    ObservedAt first{};
    ObservedAt last{};
    std::uint16_t tcp_control_bits = 0;  // no SYN, FIN or RST among them
    std::uint8_t type_of_service = 0;    // of the first packet
    std::uint8_t ttl_min = 0xff;
};

// Adds them to their flow, as update() would have one by one.
inline void update(Flow& flow, Sender sender, const Train& train) noexcept {
    const auto from = static_cast<std::size_t>(sender);
    if ((flow.state & state::empty) != 0) {
        flow.state = static_cast<std::uint8_t>(flow.state & ~state::empty);
        flow.start = train.first;
    }
    flow.start = std::min(flow.start, train.first);
    flow.last = std::max(flow.last, train.last);
    Side& side = flow.sides[from];
    if (side.packets == Packets{}) {
        flow.type_of_service[from] = train.type_of_service;
        flow.ttl_min[from] = train.ttl_min;
    }
    flow.ttl_min[from] = std::min(flow.ttl_min[from], train.ttl_min);
    side.packets += train.side.packets;
    side.octets += train.side.octets;
    side.layer2_octets += train.side.layer2_octets;
    flow.tcp_control_bits[from] |= train.tcp_control_bits;
    if (flow.sides[0].packets != Packets{} && flow.sides[1].packets != Packets{}) {
        flow.state |= state::answered;
    }
}

}  // namespace tapmeter::flow
