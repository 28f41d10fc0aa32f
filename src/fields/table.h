#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "pipeline/flow/flow_record.h"
#include "src/fields/derived.h"
#include "src/fields/field.h"
#include "src/fields/inspection_rows.h"
#include "src/fields/payload_rows.h"
#include "src/fields/report_rows.h"

namespace tapmeter::fields {

namespace place {

using flow::Side;

consteval Place number(std::size_t offset, std::size_t octets) {
    return {Source::record, offset, octets, false, 0};
}
consteval Place address(std::size_t offset, std::size_t octets) {
    return {Source::record, offset, octets, true, 0};
}
consteval Place derived(std::size_t offset, std::size_t octets, unsigned need) {
    return {Source::derived, offset, octets, false, need};
}
consteval Place text(Source source) {
    return {source, 0, 0, false, 0};
}

// Where the low-order four octets of a 64-bit number lie.
consteval std::size_t low_half(std::size_t offset) {
    return offset + (std::endian::native == std::endian::big ? 4 : 0);
}

inline constexpr std::array table{
    Field{"flowStartMilliseconds", element("flowStartMilliseconds"), false, Presence::all,
          Group::time, derived(offsetof(DerivedValues, start_milliseconds), 8, needs::milliseconds),
          "", "", "", "", "first packet of this record, in milliseconds"},
    Field{"flowEndMilliseconds", element("flowEndMilliseconds"), false, Presence::all, Group::time,
          derived(offsetof(DerivedValues, end_milliseconds), 8, needs::milliseconds), "", "", "",
          "", "last packet of this record, in milliseconds"},
    Field{"flowStartMicroseconds", element("flowStartMicroseconds"), false, Presence::all,
          Group::time, derived(offsetof(DerivedValues, start_microseconds), 8, needs::microseconds),
          "flow.start", "", "", "", "first packet of this record, in microseconds"},
    Field{"flowEndMicroseconds", element("flowEndMicroseconds"), false, Presence::all, Group::time,
          derived(offsetof(DerivedValues, end_microseconds), 8, needs::microseconds), "flow.end",
          "", "", "", "last packet of this record, in microseconds"},
    Field{"flowStartNanoseconds", element("flowStartNanoseconds"), false, Presence::all,
          Group::time, derived(offsetof(DerivedValues, start_nanoseconds), 8, needs::nanoseconds),
          "tapmeter.start_ns", "flow_start", "DateTime64(9)", "",
          "first packet of this record, in nanoseconds"},
    Field{"flowEndNanoseconds", element("flowEndNanoseconds"), false, Presence::all, Group::time,
          derived(offsetof(DerivedValues, end_nanoseconds), 8, needs::nanoseconds),
          "tapmeter.end_ns", "flow_end", "DateTime64(9)", "",
          "last packet of this record, in nanoseconds"},
    Field{"flowStartSeconds", element("flowStartSeconds"), false, Presence::all, Group::time,
          derived(offsetof(DerivedValues, start_seconds), 4, needs::seconds), "", "", "", "",
          "first packet of this record, in seconds"},
    Field{"flowEndSeconds", element("flowEndSeconds"), false, Presence::all, Group::time,
          derived(offsetof(DerivedValues, end_seconds), 4, needs::seconds), "", "", "", "",
          "last packet of this record, in seconds"},
    Field{"flowDurationMilliseconds", element("flowDurationMilliseconds"), false, Presence::all,
          Group::time, derived(offsetof(DerivedValues, duration_milliseconds), 4, needs::durations),
          "", "", "", "duration", "from first to last packet, in milliseconds"},
    Field{"flowDurationMicroseconds", element("flowDurationMicroseconds"), false, Presence::all,
          Group::time, derived(offsetof(DerivedValues, duration_microseconds), 4, needs::durations),
          "", "", "", "", "the same in microseconds; 4294967295 where it is longer than that"},
    Field{"octetDeltaCount", element("octetDeltaCount"), false, Presence::all, Group::counters,
          number(offsetof(FlowRecord, forward) + offsetof(Side, octets), 8), "flow.bytes_toserver",
          "bytes_fwd", "UInt64", "bytes", "IP octets from source to destination"},
    Field{"reverseOctetDeltaCount", element("octetDeltaCount"), true, Presence::all,
          Group::counters, number(offsetof(FlowRecord, reverse) + offsetof(Side, octets), 8),
          "flow.bytes_toclient", "bytes_rev", "UInt64", "out bytes",
          "IP octets from destination to source"},
    Field{"packetDeltaCount", element("packetDeltaCount"), false, Presence::all, Group::counters,
          number(offsetof(FlowRecord, forward) + offsetof(Side, packets), 8), "flow.pkts_toserver",
          "pkts_fwd", "UInt64", "packets", "packets from source to destination"},
    Field{"reversePacketDeltaCount", element("packetDeltaCount"), true, Presence::all,
          Group::counters, number(offsetof(FlowRecord, reverse) + offsetof(Side, packets), 8),
          "flow.pkts_toclient", "pkts_rev", "UInt64", "out packets",
          "packets from destination to source"},
    Field{"layer2OctetDeltaCount", element("layer2OctetDeltaCount"), false, Presence::all,
          Group::counters, number(offsetof(FlowRecord, forward) + offsetof(Side, layer2_octets), 8),
          "tapmeter.l2_bytes_toserver", "l2_bytes_fwd", "UInt64", "",
          "octets of whole frames without FCS from source to destination"},
    Field{"reverseLayer2OctetDeltaCount", element("layer2OctetDeltaCount"), true, Presence::all,
          Group::counters, number(offsetof(FlowRecord, reverse) + offsetof(Side, layer2_octets), 8),
          "tapmeter.l2_bytes_toclient", "l2_bytes_rev", "UInt64", "",
          "octets of whole frames without FCS from destination to source"},
    Field{"initiatorOctets", element("initiatorOctets"), false, Presence::all, Group::counters,
          number(offsetof(FlowRecord, forward) + offsetof(Side, octets), 8), "", "", "", "",
          "IP octets of the source, as collectors without RFC 5103 want them"},
    Field{"responderOctets", element("responderOctets"), false, Presence::all, Group::counters,
          number(offsetof(FlowRecord, reverse) + offsetof(Side, octets), 8), "", "", "", "",
          "IP octets of the destination, likewise"},
    Field{"initiatorPackets", element("initiatorPackets"), false, Presence::all, Group::counters,
          number(offsetof(FlowRecord, forward) + offsetof(Side, packets), 8), "", "", "", "",
          "packets of the source, likewise"},
    Field{"responderPackets", element("responderPackets"), false, Presence::all, Group::counters,
          number(offsetof(FlowRecord, reverse) + offsetof(Side, packets), 8), "", "", "", "",
          "packets of the destination, likewise"},
    Field{"flowId", element("flowId"), false, Presence::all, Group::key,
          number(offsetof(FlowRecord, flow_id), 8), "flow_id", "flow_id", "UInt64", "flowid",
          "the same in every record of one flow"},
    Field{"sourceIPv4Address", element("sourceIPv4Address"), false, Presence::ipv4, Group::key,
          address(offsetof(FlowRecord, source) + 12, 4), "src_ip", "src_ip", "IPv6", "src ip",
          "IPv4 address of the source"},
    Field{"destinationIPv4Address", element("destinationIPv4Address"), false, Presence::ipv4,
          Group::key, address(offsetof(FlowRecord, destination) + 12, 4), "dest_ip", "dst_ip",
          "IPv6", "dst ip", "IPv4 address of the destination"},
    Field{"sourceIPv6Address", element("sourceIPv6Address"), false, Presence::ipv6, Group::key,
          address(offsetof(FlowRecord, source), 16), "src_ip", "src_ip", "IPv6", "src ip",
          "IPv6 address of the source"},
    Field{"destinationIPv6Address", element("destinationIPv6Address"), false, Presence::ipv6,
          Group::key, address(offsetof(FlowRecord, destination), 16), "dest_ip", "dst_ip", "IPv6",
          "dst ip", "IPv6 address of the destination"},
    Field{"sourceTransportPort", element("sourceTransportPort"), false, Presence::with_ports,
          Group::key, number(offsetof(FlowRecord, source_port), 2), "src_port", "src_port",
          "UInt16", "src port", "port of the source"},
    Field{"destinationTransportPort", element("destinationTransportPort"), false,
          Presence::with_ports, Group::key, number(offsetof(FlowRecord, destination_port), 2),
          "dest_port", "dst_port", "UInt16", "dst port", "port of the destination"},
    Field{"icmpTypeCodeIPv4", element("icmpTypeCodeIPv4"), false, Presence::icmpv4, Group::key,
          address(offsetof(FlowRecord, icmp_type), 2), "", "", "", "",
          "ICMP type in the high octet, code in the low one"},
    Field{"icmpTypeIPv4", element("icmpTypeIPv4"), false, Presence::icmpv4, Group::key,
          number(offsetof(FlowRecord, icmp_type), 1), "icmp_type", "icmp_type", "UInt8", "",
          "ICMP type of the first packet"},
    Field{"icmpCodeIPv4", element("icmpCodeIPv4"), false, Presence::icmpv4, Group::key,
          number(offsetof(FlowRecord, icmp_code), 1), "icmp_code", "icmp_code", "UInt8", "",
          "ICMP code of the first packet"},
    Field{"icmpTypeCodeIPv6", element("icmpTypeCodeIPv6"), false, Presence::icmpv6, Group::key,
          address(offsetof(FlowRecord, icmp_type), 2), "", "", "", "",
          "ICMP type in the high octet, code in the low one"},
    Field{"icmpTypeIPv6", element("icmpTypeIPv6"), false, Presence::icmpv6, Group::key,
          number(offsetof(FlowRecord, icmp_type), 1), "icmp_type", "icmp_type", "UInt8", "",
          "ICMP type of the first packet"},
    Field{"icmpCodeIPv6", element("icmpCodeIPv6"), false, Presence::icmpv6, Group::key,
          number(offsetof(FlowRecord, icmp_code), 1), "icmp_code", "icmp_code", "UInt8", "",
          "ICMP code of the first packet"},
    Field{"protocolIdentifier", element("protocolIdentifier"), false, Presence::all, Group::key,
          number(offsetof(FlowRecord, protocol), 1), "proto", "proto", "UInt8", "proto",
          "IP protocol number"},
    Field{"ipVersion", element("ipVersion"), false, Presence::all, Group::key,
          number(offsetof(FlowRecord, ip_version), 1), "ip_v", "ip_version", "UInt8", "", "4 or 6"},
    Field{"tcpControlBits", element("tcpControlBits"), false, Presence::with_ports, Group::tcp,
          number(offsetof(FlowRecord, forward_tcp_control_bits), 2), "tcp.tcp_flags_ts",
          "tcp_flags_fwd", "UInt16", "flags", "all TCP flags of the source, or-ed"},
    Field{"reverseTcpControlBits", element("tcpControlBits"), true, Presence::with_ports,
          Group::tcp, number(offsetof(FlowRecord, reverse_tcp_control_bits), 2), "tcp.tcp_flags_tc",
          "tcp_flags_rev", "UInt16", "", "all TCP flags of the destination, or-ed"},
    Field{"ingressInterface", element("ingressInterface"), false, Presence::all, Group::observation,
          derived(offsetof(DerivedValues, ingress_interface), 4, needs::observation_point), "",
          "interface_id", "UInt32", "if", "number of the Observation Point, from 1"},
    Field{"observationPointId", element("observationPointId"), false, Presence::all,
          Group::observation,
          derived(offsetof(DerivedValues, observation_point), 8, needs::observation_point), "", "",
          "", "", "the same as a 64-bit identifier"},
    Field{"interfaceName", element("interfaceName"), false, Presence::all, Group::observation,
          text(Source::interface_name), "in_iface", "interface", "String", "",
          "name of the Observation Point; variable length"},
    Field{"dot1qVlanId", element("dot1qVlanId"), false, Presence::all, Group::link,
          number(offsetof(FlowRecord, vlan), 2), "vlan[0]", "vlan", "UInt16", "vlan",
          "outer VLAN; 0: none"},
    Field{"dot1qCustomerVlanId", element("dot1qCustomerVlanId"), false, Presence::all, Group::link,
          number(offsetof(FlowRecord, customer_vlan), 2), "vlan[1]", "customer_vlan", "UInt16", "",
          "inner VLAN; 0: none"},
    Field{"vlanId", element("vlanId"), false, Presence::all, Group::link,
          number(offsetof(FlowRecord, vlan), 2), "", "", "", "",
          "outer VLAN, for collectors that know this element only"},
    Field{"ipClassOfService", element("ipClassOfService"), false, Presence::all, Group::link,
          number(offsetof(FlowRecord, forward_type_of_service), 1), "", "tos_fwd", "UInt8", "tos",
          "type of service, or traffic class, of the first packet of the source"},
    Field{"reverseIpClassOfService", element("ipClassOfService"), true, Presence::all, Group::link,
          number(offsetof(FlowRecord, reverse_type_of_service), 1), "", "tos_rev", "UInt8", "",
          "the same of the destination"},
    Field{"minimumTTL", element("minimumTTL"), false, Presence::all, Group::link,
          number(offsetof(FlowRecord, forward_ttl_min), 1), "", "ttl_fwd", "UInt8", "",
          "smallest TTL or hop limit from the source; 0: no packet"},
    Field{"reverseMinimumTTL", element("minimumTTL"), true, Presence::all, Group::link,
          number(offsetof(FlowRecord, reverse_ttl_min), 1), "", "ttl_rev", "UInt8", "",
          "the same from the destination"},
    Field{"flowEndReason", element("flowEndReason"), false, Presence::all, Group::end,
          number(offsetof(FlowRecord, end_reason), 1), "tapmeter.end_reason", "end_reason", "UInt8",
          "end", "1 idle, 2 active timeout, 3 end of flow, 4 forced, 5 lack of resources"},
    Field{"biflowDirection", element("biflowDirection"), false, Presence::all, Group::end,
          number(offsetof(FlowRecord, biflow_direction), 1), "", "direction", "UInt8", "",
          "1: the source began the flow; 0: the source sent the first packet seen"},
    Field{"sourceIPv4PrefixLength", element("sourceIPv4PrefixLength"), false, Presence::others_ipv4,
          Group::sampling, number(offsetof(FlowRecord, source_prefix_length), 1),
          "tapmeter.src_prefix_length", "src_prefix", "UInt8", "",
          "how much of the source address counts, of an aggregate"},
    Field{"destinationIPv4PrefixLength", element("destinationIPv4PrefixLength"), false,
          Presence::others_ipv4, Group::sampling,
          number(offsetof(FlowRecord, destination_prefix_length), 1), "tapmeter.dest_prefix_length",
          "dst_prefix", "UInt8", "", "how much of the destination address counts, of an aggregate"},
    Field{"sourceIPv6PrefixLength", element("sourceIPv6PrefixLength"), false, Presence::others_ipv6,
          Group::sampling, number(offsetof(FlowRecord, source_prefix_length), 1),
          "tapmeter.src_prefix_length", "src_prefix", "UInt8", "",
          "how much of the source address counts, of an aggregate"},
    Field{"destinationIPv6PrefixLength", element("destinationIPv6PrefixLength"), false,
          Presence::others_ipv6, Group::sampling,
          number(offsetof(FlowRecord, destination_prefix_length), 1), "tapmeter.dest_prefix_length",
          "dst_prefix", "UInt8", "", "how much of the destination address counts, of an aggregate"},
    Field{"flowSelectorAlgorithm", element("flowSelectorAlgorithm"), false, Presence::others,
          Group::sampling,
          derived(offsetof(DerivedValues, flow_selector_algorithm), 2, needs::sampling), "", "", "",
          "", "4: uniform probabilistic, here by a keyed hash of the flow key"},
    Field{"samplingProbability", element("samplingProbability"), false, Presence::others,
          Group::sampling,
          derived(offsetof(DerivedValues, sampling_probability), 8, needs::sampling), "", "", "",
          "", "with which probability a flow like this one was metered"},
    Field{"flowBeginMilliseconds", element("flowBeginMilliseconds"), false, Presence::all,
          Group::own, derived(offsetof(DerivedValues, begin_milliseconds), 8, needs::begin), "", "",
          "", "", "first packet of the flow, however many records it was cut into"},
    Field{"workerId", element("workerId"), false, Presence::all, Group::own,
          number(offsetof(FlowRecord, worker), 2), "tapmeter.worker", "worker", "UInt16", "",
          "which worker metered the flow"},
    Field{"aggregated", element("aggregated"), false, Presence::all, Group::own,
          derived(offsetof(DerivedValues, aggregated), 1, needs::sampling), "tapmeter.aggregated",
          "aggregated", "UInt8", "", "1: stands for flows that were not told apart; 2: one flow"},
    Field{"flowSamplingPopulation", element("flowSamplingPopulation"), false, Presence::all,
          Group::own, derived(offsetof(DerivedValues, sampling_population), 4, needs::sampling),
          "tapmeter.sampling", "sampling", "UInt32", "", "the N of 1 in N flows; 1: every flow"},
    Field{"flowStartSysUpTime", element("flowStartSysUpTime"), false, Presence::all, Group::netflow,
          derived(low_half(offsetof(DerivedValues, start_milliseconds)), 4, needs::milliseconds),
          "", "", "", "", "first packet of this record, in milliseconds of sysUptime"},
    Field{"flowEndSysUpTime", element("flowEndSysUpTime"), false, Presence::all, Group::netflow,
          derived(low_half(offsetof(DerivedValues, end_milliseconds)), 4, needs::milliseconds), "",
          "", "", "", "last packet of this record, in milliseconds of sysUptime"},
};

}  // namespace place

template <std::size_t one, std::size_t other>
consteval auto joined(const std::array<Field, one>& first, const std::array<Field, other>& second) {
    std::array<Field, one + other> all{};
    std::ranges::copy(second, std::ranges::copy(first, all.begin()).out);
    return all;
}

// Every exported field.
inline constexpr auto all_fields =
    joined(joined(joined(place::table, reports::rows), reports::payload_rows), inspection::rows);

inline constexpr std::size_t no_field = all_fields.size();

// Index into all_fields; no_field: there is none of that name.
constexpr std::size_t find_field(std::string_view name) noexcept {
    std::size_t index = 0;
    while (index < all_fields.size() && all_fields[index].name != name) {
        ++index;
    }
    return index;
}

// The same for a name in the program: a misspelt one is a compile error.
consteval std::size_t field(std::string_view name) {
    const std::size_t index = find_field(name);
    return all_fields.at(index).name == name ? index : no_field;
}

static_assert(std::ranges::all_of(all_fields, [](const Field& field) {
    return field.place.octets == field.element.octets ||
           (field.place.octets == 0 && field.element.octets == variable_length);
}));

}  // namespace tapmeter::fields
