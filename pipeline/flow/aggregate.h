#pragma once

#include <cstdint>

#include "pipeline/flow/flow_key.h"
#include "pipeline/flow/flow_record.h"
#include "pipeline/flow/meter.h"

namespace tapmeter::flow {

// What stands for flows that are not told apart: all packets of one protocol and VLAN between
// anywhere and one network. An aggregate lives in the table like a flow, so packets and octets stay
// exact under the same laws; addresses outside the network and all ports are given up.
//
// Its endpoint `low` is anywhere (the address zero), `high` is the network.
enum class AggregateBy : std::uint8_t {
    network,   // /24 of IPv4, /48 of IPv6
    protocol,  // /0: the address is given up as well
};
inline constexpr std::uint8_t aggregate_ipv4_prefix = 24;
inline constexpr std::uint8_t aggregate_ipv6_prefix = 48;

inline constexpr bool is_aggregate(const FlowKey& key) noexcept {
    return key.aggregate != 0;
}

// The first `prefix_length` bits of an address; IPv4 stands in the last four octets.
// prefix_length  whole octets, within the address
decode::Address network_of(const decode::Address& address, std::uint8_t ip_version,
                           std::uint8_t prefix_length) noexcept;

// The key of the aggregate that a packet of this flow belongs to, and the packet as that aggregate
// sees it. A packet goes to the network of its destination; an answer of TCP (SYN-ACK, RST), which
// many spoofed SYNs call forth, is the other direction of the aggregate of its source, so that a
// flood and its answers are one record.
// exponent  flows chosen at different rates do not share an aggregate
FlowKey aggregate_key(const FlowKey& flow, const Observation& packet, AggregateBy by,
                      unsigned exponent) noexcept;
Observation aggregate_observation(const Observation& packet) noexcept;

// Fills in what a record says about its addresses' prefixes.
void describe_prefixes(const FlowKey& key, FlowRecord& record) noexcept;

}  // namespace tapmeter::flow
