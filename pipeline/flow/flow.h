#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "pipeline/base/ring.h"
#include "pipeline/base/units.h"
#include "pipeline/flow/flow_key.h"
#include "pipeline/flow/flow_record.h"

namespace tapmeter::flow {

// A flow in the table: what every packet touches, two cache lines.
//
//   line 1   key 48 | last 8 | start 8             compared, then its time moved on
//   line 2   sides 2 × 24 | what TCP and IP said   counters of both endpoints, by Sender
//
// Counters stand by endpoint, not by direction: who is the initiator may be learnt later.
struct alignas(cache_line_octets) Flow {
    FlowKey key{};
    ObservedAt last{};   // newest packet of the flow
    ObservedAt start{};  // oldest packet since the last record was cut

    std::array<Side, 2> sides{};
    std::array<std::uint16_t, 2> tcp_control_bits{};
    std::array<std::uint8_t, 2> type_of_service{};
    std::array<std::uint8_t, 2> ttl_min{};
    std::uint16_t observation_point = 0;
    std::uint8_t icmp_type = 0;
    std::uint8_t icmp_code = 0;
    std::uint8_t state = 0;              // FlowState bits
    std::uint8_t sampling_exponent = 0;  // stands for 2^k flows; 0: for itself alone
    std::uint16_t shunt_slot = 0;  // where its shunted packets are counted (Shunts); 0: nowhere
};
static_assert(sizeof(Flow) == 2 * cache_line_octets);
static_assert(offsetof(Flow, sides) == cache_line_octets);
static_assert(std::is_trivially_copyable_v<Flow>);

// Bits of Flow::state.
namespace state {
inline constexpr std::uint8_t initiator_known = 1U << 0U;    // a SYN or SYN-ACK said it
inline constexpr std::uint8_t initiator_is_high = 1U << 1U;  // else the low endpoint is
inline constexpr std::uint8_t answered = 1U << 2U;           // both endpoints have sent
inline constexpr std::uint8_t fin_from_low = 1U << 3U;
inline constexpr std::uint8_t fin_from_high = 1U << 4U;
inline constexpr std::uint8_t reset = 1U << 5U;
inline constexpr std::uint8_t empty = 1U << 6U;  // no packet since the last record was cut
// Only its counters are of interest any more: nothing that looks into packets needs to see these.
inline constexpr std::uint8_t shunted = 1U << 7U;
}  // namespace state

// True once TCP has ended: FIN both ways or RST. The flow lingers for its last packets.
constexpr bool has_ended(const Flow& flow) noexcept {
    constexpr std::uint8_t both_fins = state::fin_from_low | state::fin_from_high;
    const unsigned reset = (flow.state & state::reset) != 0 ? 1U : 0U;
    return (reset | ((flow.state & both_fins) == both_fins ? 1U : 0U)) != 0;
}

// What is touched when a flow begins and when it leaves.
struct FlowOrigin {
    ObservedAt flow_start{};  // first packet of the flow, however many records it is cut into
    // What earlier records of a sampled flow counted, both directions; for the error bound only.
    float packets_before = 0;
    float octets_before = 0;
};
static_assert(sizeof(FlowOrigin) == 16);

// A name below 2^53, so that a JSON number carries it.
// The same flow seen at the same nanosecond gets the same id on every machine and with any number
// of workers. 53 bits: readers of JSON keep numbers as doubles.
std::uint64_t flow_id_of(const FlowKey& key, ObservedAt flow_start) noexcept;

}  // namespace tapmeter::flow
