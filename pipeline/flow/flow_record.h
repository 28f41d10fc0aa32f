#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "pipeline/base/ring.h"
#include "pipeline/base/units.h"
#include "pipeline/decode/headers.h"
#include "pipeline/flow/application.h"

namespace tapmeter::flow {

// Values of Information Element 136, flowEndReason (RFC 7012).
enum class FlowEndReason : std::uint8_t {
    idle_timeout = 1,
    active_timeout = 2,
    end_of_flow = 3,
    forced_end = 4,
    lack_of_resources = 5,
};
inline constexpr std::size_t flow_end_reasons = 5;
inline constexpr std::array<std::string_view, flow_end_reasons> flow_end_reason_names{
    "idle", "active", "end_of_flow", "forced", "lack_of_resources"};

constexpr std::size_t index_of(FlowEndReason reason) noexcept {
    return static_cast<std::size_t>(reason) - 1;
}

// What one direction of a flow carried since the last record of that flow (delta counts).
struct Side {
    Packets packets{};
    Octets octets{};         // layer 3: IP headers and payload (octetDeltaCount)
    Octets layer2_octets{};  // whole frames without FCS (layer2OctetDeltaCount)
};

// One Flow Record as it leaves the Metering Process: both directions (RFC 5103), source = the
// initiator. Plain octets: it crosses the ring as it stands.
struct alignas(cache_line_octets) FlowRecord {
    decode::Address source{};  // IPv4 in the last four octets
    decode::Address destination{};
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint16_t vlan = 0;
    std::uint16_t customer_vlan = 0;
    std::uint8_t protocol = 0;
    std::uint8_t ip_version = 0;  // 4 or 6
    FlowEndReason end_reason{};
    // How the initiator was found: biflowDirection (IE 239) 1 = initiator (a SYN was seen, or its
    // SYN-ACK), 0 = arbitrary (the sender of the first packet).
    std::uint8_t biflow_direction = 0;
    std::uint16_t forward_tcp_control_bits = 0;
    std::uint16_t reverse_tcp_control_bits = 0;
    std::uint8_t forward_type_of_service = 0;  // of the first packet that way
    std::uint8_t reverse_type_of_service = 0;
    std::uint8_t forward_ttl_min = 0;  // 0 where that direction has no packet
    std::uint8_t reverse_ttl_min = 0;
    std::uint8_t icmp_type = 0;  // of the flow's first packet
    std::uint8_t icmp_code = 0;
    std::uint16_t observation_point = 0;  // where the flow's first packet was seen
    ObservedAt start{};                   // first packet of this record
    ObservedAt end{};                     // last packet of this record
    Side forward{};
    Side reverse{};
    std::uint64_t flow_id = 0;  // the same in every record of one flow; below 2^53
    ObservedAt flow_start{};    // first packet of the flow, however many records it was cut into
    std::uint16_t worker = 0;
    // Of an aggregate, which stands for flows that were not told apart: how much of either address
    // it has. A flow has both whole.
    bool aggregated = false;
    std::uint8_t source_prefix_length = 0;
    std::uint8_t destination_prefix_length = 0;
    // One of 2^k flows was metered when this one began, chosen by hash; 0: every flow was.
    std::uint8_t sampling_exponent = 0;
    std::uint8_t parts = 0;  // bit i: part i travels beside it (BasicRecordRing)
    Application application{};
};
static_assert(sizeof(FlowRecord) == 3 * cache_line_octets);
static_assert(std::is_trivially_copyable_v<FlowRecord>, "crosses the ring as octets");

}  // namespace tapmeter::flow
