#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "pipeline/base/ring.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/tunnel.h"

namespace tapmeter::flow {

// What stood around the first packet of a flow, as it travels beside its Flow Record: tunnels and
// the IP header outside of them, labels, the PPPoE session, IPsec. Plain octets.
struct alignas(cache_line_octets) TunnelReport {
    decode::Address source{};  // of the outermost IP header; only where `layers` is not 0
    decode::Address destination{};
    std::array<decode::TunnelLayer, decode::tunnel_layers_max> layer{};  // from the outside in
    // Label stack sections, top first: 20 bits of label, 3 of traffic class, 1 bottom of stack.
    std::array<std::uint32_t, decode::mpls_stack_max> mpls_stack{};
    std::uint32_t mpls_labels = 0;  // of `mpls_stack`, in use
    // The same of the first packet that went the other way: tunnels may number both ways apart.
    std::uint32_t reverse_id = 0;
    std::uint32_t innermost_id = 0;    // id of the innermost layer that has one
    std::uint32_t security_index = 0;  // SPI of AH or ESP
    std::uint32_t encapsulations = 0;  // bits: decode::Encapsulation
    std::uint16_t pppoe_session = 0;   // 0: none
    std::uint16_t vlan = 0;            // of the frame outside; only where `layers` is not 0
    std::uint16_t customer_vlan = 0;   // likewise
    std::uint8_t layers = 0;
    std::uint8_t ip_version = 0;       // of the outermost IP header; 0: there is one only
    std::uint8_t type_of_service = 0;  // likewise
    std::uint8_t innermost_kind = 0;   // 1 + decode::Encapsulation of the innermost layer
};
static_assert(sizeof(TunnelReport) == 2 * cache_line_octets);
static_assert(std::is_trivially_copyable_v<TunnelReport>, "crosses the ring as octets");

// True where there is anything around the packet that a record could tell.
bool has_surroundings(const decode::Headers& headers, const decode::Tunnels& tunnels) noexcept;

TunnelReport report_of(const decode::Headers& headers, const decode::Tunnels& tunnels) noexcept;

}  // namespace tapmeter::flow
