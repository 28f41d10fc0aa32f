#pragma once

#include <cstdint>

#include "pipeline/flow/flow_key.h"
#include "pipeline/flow/meter.h"

namespace tapmeter::testing {

struct KeyedPacket {
    flow::FlowKey key;
    flow::Sender sender;
};

inline KeyedPacket key_of(const decode::Headers& headers, bool vlan_in_key) {
    KeyedPacket packet{};
    packet.sender = flow::write_key(headers, vlan_in_key, packet.key);
    return packet;
}

// Key number `number`: a UDP flow of its own between 10.x.y.z and 192.0.2.1.
inline flow::FlowKey key_number(std::uint32_t number) {
    decode::Headers headers;
    headers.ip_version = 4;
    headers.protocol = 17;
    headers.source[12] = 10;
    headers.source[13] = static_cast<std::uint8_t>(number >> 16U);
    headers.source[14] = static_cast<std::uint8_t>(number >> 8U);
    headers.source[15] = static_cast<std::uint8_t>(number);
    headers.destination[12] = 192;
    headers.destination[14] = 2;
    headers.destination[15] = 1;
    headers.source_port = static_cast<std::uint16_t>(number >> 24U);
    headers.destination_port = 53;
    return key_of(headers, true).key;
}

inline ObservedAt at(Nanoseconds time) {
    return ObservedAt{time};
}

}  // namespace tapmeter::testing
