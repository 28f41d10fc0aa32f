#include "pipeline/flow/aggregate.h"

#include <algorithm>

namespace tapmeter::flow {

namespace {

constexpr std::size_t ipv4_offset = 12;  // where an IPv4 address stands in decode::Address

bool is_answer(const Observation& packet) noexcept {
    constexpr std::uint16_t syn_ack = detail::tcp_syn | detail::tcp_ack;
    return packet.protocol == detail::protocol_tcp &&
           ((packet.tcp_control_bits & syn_ack) == syn_ack ||
            (packet.tcp_control_bits & detail::tcp_rst) != 0);
}

std::uint8_t prefix_of(std::uint8_t ip_version, AggregateBy by) noexcept {
    if (by == AggregateBy::protocol) {
        return 0;
    }
    return ip_version == 6 ? aggregate_ipv6_prefix : aggregate_ipv4_prefix;
}

}  // namespace

decode::Address network_of(const decode::Address& address, std::uint8_t ip_version,
                           std::uint8_t prefix_length) noexcept {
    const std::size_t begin = ip_version == 6 ? 0 : ipv4_offset;
    decode::Address network{};
    std::copy_n(address.begin() + begin, prefix_length / 8, network.begin() + begin);
    return network;
}

FlowKey aggregate_key(const FlowKey& flow, const Observation& packet, AggregateBy by,
                      unsigned exponent) noexcept {
    const bool sent_by_high = packet.sender == Sender::high;
    const bool network_is_high = is_answer(packet) ? sent_by_high : !sent_by_high;
    FlowKey key;
    key.vlan = flow.vlan;
    key.customer_vlan = flow.customer_vlan;
    key.protocol = flow.protocol;
    key.ip_version = flow.ip_version;
    key.prefix_length = prefix_of(flow.ip_version, by);
    key.high =
        network_of(network_is_high ? flow.high : flow.low, flow.ip_version, key.prefix_length);
    key.aggregate = static_cast<std::uint8_t>(1 + exponent);
    return key;
}

// Of the protocol nothing is left: an aggregate has no connection that could begin or end.
Observation aggregate_observation(const Observation& packet) noexcept {
    Observation seen = packet;
    seen.sender = is_answer(packet) ? Sender::high : Sender::low;
    seen.protocol = 0;
    seen.icmp_type = 0;
    seen.icmp_code = 0;
    return seen;
}

void describe_prefixes(const FlowKey& key, FlowRecord& record) noexcept {
    record.aggregated = is_aggregate(key);
    if (record.aggregated) {
        record.source_prefix_length = 0;
        record.destination_prefix_length = key.prefix_length;
        return;
    }
    record.source_prefix_length = key.ip_version == 6 ? 128 : 32;
    record.destination_prefix_length = record.source_prefix_length;
}

}  // namespace tapmeter::flow
