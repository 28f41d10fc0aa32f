#pragma once

#include <cstdint>
#include <string>

#include "pipeline/base/result.h"

struct rte_eth_dev_info;

namespace tapmeter::dpdk {

inline constexpr std::uint32_t rx_ring_max = 32'768;
// Where nothing tells how fast frames may come, and the least that is computed.
inline constexpr std::uint32_t rx_ring_default = 2'048;
// Buffers one thread may keep for itself in a pool before it gives some back.
inline constexpr std::uint32_t pool_cache_buffers = 256;
// Octets of one buffer that hold frame: what a frame of 1,518 octets needs, and DPDK's usual size.
inline constexpr std::uint32_t buffer_frame_octets = 2'048;
// Largest MTU asked of a NIC; 9,600 is what all jumbo-capable NICs take.
inline constexpr std::uint32_t mtu_wanted = 9'600;

// What is asked of a port, with what is known of its device.
struct PortRequest {
    std::string device;         // for messages
    std::uint32_t queues = 0;   // 0: what the device has, at most one per worker
    std::uint32_t rx_ring = 0;  // descriptors per queue; 0: computed from the speed
    std::uint32_t workers = 1;
    std::uint64_t link_speed_bits = 0;    // of the fastest link it can have; 0: nobody knows
    std::uint64_t memory_octets = 0;      // for the buffers of all queues; 0: no limit
    std::uint32_t frame_octets_max = 0;   // 0: as the MTU says; net_pcap gives what a file holds
    std::uint64_t packets_preloaded = 0;  // per queue: net_pcap with infinite_rx keeps its file
};

// How the port will be set up: all decided before anything is touched.
struct PortPlan {
    std::uint16_t queues = 1;
    std::uint16_t tx_queues = 0;       // never used; some drivers insist on pairs
    std::uint16_t rx_descriptors = 0;  // per queue
    std::uint16_t mtu = 0;             // 0: the driver's own
    bool scatter = false;              // a jumbo frame may span several buffers
    std::uint32_t buffers_per_queue = 0;
    std::string ring_reason;  // for the operator: what was computed, what stood in the way
};

// Bits per second of the fastest link in `capabilities` (RTE_ETH_LINK_SPEED_*); 0: none is named.
std::uint64_t fastest_link_bits(std::uint32_t capabilities) noexcept;

// errors  invalid_config  more queues or descriptors than the device has (both numbers), or a pool
//                         beyond what can be counted
Result<PortPlan> plan_port(const PortRequest& request, const rte_eth_dev_info& info);

// Memory of one pool, near enough to tell an operator what is needed.
std::uint64_t pool_octets(std::uint32_t buffers) noexcept;

}  // namespace tapmeter::dpdk
