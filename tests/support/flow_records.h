#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/flow/flow_record.h"

// Flow Records for tests, every field with a value of its own.
namespace tapmeter::test_support {

inline decode::Address ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    decode::Address address{};
    address[12] = a;
    address[13] = b;
    address[14] = c;
    address[15] = d;
    return address;
}

// 10.1.2.3:51234 to 93.184.216.34:443, both directions, ended by FIN.
inline flow::FlowRecord tcp_record() {
    flow::FlowRecord record;
    record.source = ipv4(10, 1, 2, 3);
    record.destination = ipv4(93, 184, 216, 34);
    record.source_port = 51'234;
    record.destination_port = 443;
    record.vlan = 120;
    record.customer_vlan = 7;
    record.protocol = 6;
    record.ip_version = 4;
    record.end_reason = flow::FlowEndReason::end_of_flow;
    record.biflow_direction = 1;
    record.forward_tcp_control_bits = 0x1B;
    record.reverse_tcp_control_bits = 0x13;
    record.forward_type_of_service = 0x28;
    record.reverse_type_of_service = 0x2C;
    record.forward_ttl_min = 63;
    record.reverse_ttl_min = 51;
    record.start = ObservedAt{Nanoseconds{1'763'633'729'023'456'789}};
    record.end = ObservedAt{Nanoseconds{1'763'633'733'123'456'789}};
    record.flow_start = record.start;
    record.forward = {Packets{23}, Octets{4'884}, Octets{5'206}};
    record.reverse = {Packets{21}, Octets{7'392}, Octets{7'686}};
    record.flow_id = 1'234'567'890'123'456;
    record.worker = 2;
    return record;
}

// An echo request from 2001:db8::1 to 2001:db8::2, not answered, given up after the idle timeout.
inline flow::FlowRecord icmpv6_record() {
    flow::FlowRecord record;
    record.source = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    record.destination = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
    record.protocol = 58;
    record.ip_version = 6;
    record.end_reason = flow::FlowEndReason::idle_timeout;
    record.forward_ttl_min = 64;
    record.icmp_type = 128;
    record.icmp_code = 0;
    record.start = ObservedAt{Nanoseconds{1'763'633'729'000'000'000}};
    record.end = ObservedAt{Nanoseconds{1'763'633'729'000'000'001}};
    record.flow_start = record.start;
    record.forward = {Packets{1}, Octets{104}, Octets{118}};
    record.flow_id = 77;
    return record;
}

// A mix of IPv4 and IPv6, TCP, UDP and ICMP; the index-th one, always the same. Observation Points
// go round from 0 to points - 1.
inline flow::FlowRecord mixed_record(std::size_t index, std::size_t points = 1) {
    const bool icmp = index % 7 == 3;
    flow::FlowRecord record = tcp_record();
    record.ip_version = index % 3 == 1 ? 6 : 4;
    if (record.ip_version == 6) {
        record.source = icmpv6_record().source;
        record.destination = icmpv6_record().destination;
    }
    record.source[13] = static_cast<std::uint8_t>(index >> 16U);
    record.source[14] = static_cast<std::uint8_t>(index >> 8U);
    record.source[15] = static_cast<std::uint8_t>(index);
    record.protocol = icmp ? (record.ip_version == 6 ? 58 : 1) : index % 2 == 0 ? 6 : 17;
    if (icmp) {
        record.source_port = 0;
        record.destination_port = 0;
        record.icmp_type = record.ip_version == 6 ? 128 : 8;
    }
    if (record.protocol != 6) {
        record.forward_tcp_control_bits = 0;
        record.reverse_tcp_control_bits = 0;
        record.end_reason = flow::FlowEndReason::idle_timeout;
    }
    record.forward.packets = Packets{1 + index % 100};
    record.forward.octets = Octets{40 + index * 3};
    record.forward.layer2_octets = Octets{54 + index * 3};
    record.reverse.packets = Packets{index % 5};
    record.reverse.octets = Octets{(index % 5) * 1'400};
    record.reverse.layer2_octets = Octets{(index % 5) * 1'414};
    record.flow_id = index + 1;
    record.observation_point = static_cast<std::uint16_t>(index % points);
    return record;
}

inline std::vector<flow::FlowRecord> mixed_records(std::size_t count, std::size_t points = 1) {
    std::vector<flow::FlowRecord> records;
    for (std::size_t index = 0; index < count; ++index) {
        records.push_back(mixed_record(index, points));
    }
    return records;
}

}  // namespace tapmeter::test_support
