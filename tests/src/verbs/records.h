#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "pipeline/flow/flow_record.h"

namespace tapmeter::testing {

inline decode::Address ipv4_address(std::uint32_t number) {
    decode::Address address{};
    for (std::size_t octet = 0; octet < 4; ++octet) {
        address[12 + octet] = static_cast<std::uint8_t>(number >> (24 - 8 * octet));
    }
    return address;
}

// A UDP record of so many octets there and half as many back, 100 octets a packet.
inline flow::FlowRecord record_between(std::uint32_t source, std::uint32_t destination,
                                       std::uint64_t octets) {
    flow::FlowRecord record;
    record.source = ipv4_address(source);
    record.destination = ipv4_address(destination);
    record.source_port = 40'000;
    record.destination_port = 53;
    record.protocol = 17;
    record.ip_version = 4;
    record.end_reason = flow::FlowEndReason::idle_timeout;
    record.start = ObservedAt{std::chrono::seconds(1'767'225'600)};
    record.end = record.start + std::chrono::milliseconds(1'500);
    record.forward = {.packets = {octets / 100}, .octets = {octets}, .layer2_octets = {octets}};
    record.reverse = {
        .packets = {octets / 200}, .octets = {octets / 2}, .layer2_octets = {octets / 2}};
    record.flow_id = 4'711;
    return record;
}

}  // namespace tapmeter::testing
