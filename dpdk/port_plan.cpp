#include "dpdk/port_plan.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>
#include <array>
#include <bit>

#include "pipeline/base/absorb.h"
#include "pipeline/base/packet.h"

namespace tapmeter::dpdk {

namespace {

constexpr std::uint64_t pool_buffers_max = std::uint64_t{1} << 26U;
constexpr std::uint32_t ethernet_octets = 18;  // addresses, type, FCS: as DPDK reckons
constexpr std::uint64_t ethernet_fcs_octets = 4;
constexpr std::uint64_t ethernet_frame_octets_max = 1'514;  // without FCS, at the usual MTU

tl::unexpected<Error> refused(const PortRequest& request, const std::string& why) {
    return failed(Error::Kind::invalid_config, "dpdk " + request.device + ": " + why);
}

Result<std::uint16_t> plan_queues(const PortRequest& request, const rte_eth_dev_info& info) {
    const std::uint32_t has = info.max_rx_queues;
    if (has == 0) {
        return refused(request, "has no receive queue; a capture device must receive");
    }
    if (request.queues > has) {
        return refused(request, "queues = " + std::to_string(request.queues) +
                                    ", but the device has " + std::to_string(has) +
                                    "; set queues = " + std::to_string(has) + " or less");
    }
    const std::uint32_t workers = std::max(request.workers, 1U);
    return static_cast<std::uint16_t>(request.queues != 0 ? request.queues
                                                          : std::min(has, workers));
}

// The largest frame that the port can take. Without scatter a frame must fit one buffer.
std::uint16_t plan_mtu(const rte_eth_dev_info& info, bool scatter) {
    const bool tells_both = info.max_mtu != UINT16_MAX && info.max_rx_pktlen > info.max_mtu;
    const std::uint32_t overhead = tells_both ? info.max_rx_pktlen - info.max_mtu : ethernet_octets;
    const std::uint32_t frame_max =
        scatter ? info.max_rx_pktlen : std::min(info.max_rx_pktlen, buffer_frame_octets);
    if (frame_max <= overhead) {
        return 0;
    }
    const std::uint32_t mtu =
        std::min({mtu_wanted, std::uint32_t{info.max_mtu}, frame_max - overhead});
    return static_cast<std::uint16_t>(mtu > RTE_ETHER_MTU ? mtu : 0);
}

// Buffers one queue needs so that a full ring never starves for lack of one:
//   the ring           each descriptor holds a buffer that waits for a frame
//   bursts in flight   one that the worker holds, the next one, and one that the driver takes to
//                      refill the ring; a frame takes several buffers where it may exceed one
//   caches             DPDK lets a thread keep 1.5 x pool_cache_buffers; two threads touch a pool:
//                      the one that starts the port and the worker
//   preloaded          net_pcap with infinite_rx copies the whole file into buffers first
std::uint64_t plan_buffers(const PortRequest& request, const PortPlan& plan) {
    const std::uint32_t mtu = plan.mtu != 0 ? plan.mtu : RTE_ETHER_MTU;
    const std::uint32_t frame = std::max(request.frame_octets_max, mtu + ethernet_octets);
    const std::uint64_t segments = (frame + buffer_frame_octets - 1) / buffer_frame_octets;
    const std::uint64_t bursts = 3 * burst_packets_max * segments;
    const std::uint64_t caches = std::uint64_t{2} * pool_cache_buffers * 3 / 2;
    const std::uint64_t preloaded =
        request.packets_preloaded == 0 ? 0 : request.packets_preloaded + 1;
    return plan.rx_descriptors + bursts + caches + preloaded;
}

std::uint32_t ring_most(const rte_eth_dev_info& info) {
    const rte_eth_desc_lim& limit = info.rx_desc_lim;
    return limit.nb_max == 0 ? rx_ring_max : std::min<std::uint32_t>(limit.nb_max, rx_ring_max);
}

std::uint16_t as_device_wants(std::uint32_t wanted, const rte_eth_dev_info& info) {
    const rte_eth_desc_lim& limit = info.rx_desc_lim;
    const std::uint32_t align = std::max<std::uint32_t>(limit.nb_align, 1);
    const std::uint32_t aligned = (wanted + align - 1) / align * align;
    return static_cast<std::uint16_t>(
        std::clamp<std::uint32_t>(aligned, limit.nb_min, ring_most(info)));
}

std::string lasts(const PortRequest& request, const PortPlan& plan, std::uint64_t frame_octets) {
    return std::to_string(absorbed_by(plan.rx_descriptors, plan.queues,
                                      frames_per_second(request.link_speed_bits, frame_octets))
                              .count()) +
           " us of " + std::to_string(frame_octets + ethernet_fcs_octets) + "-octet frames";
}

// Halves a computed ring until the buffers fit into the memory there is. A ring that somebody
// wished for is left alone: that its buffers do not fit is then an error with the numbers.
void fit_into_memory(const PortRequest& request, const rte_eth_dev_info& info, PortPlan& plan) {
    const auto fits = [&] {
        return request.memory_octets == 0 ||
               plan.queues * pool_octets(static_cast<std::uint32_t>(
                                 std::min(plan_buffers(request, plan), pool_buffers_max))) <=
                   request.memory_octets;
    };
    while (!fits() && plan.rx_descriptors > rx_ring_default) {
        plan.rx_descriptors =
            as_device_wants(std::max(plan.rx_descriptors / 2U, rx_ring_default), info);
        plan.ring_reason = "the most that memory.dpdk has room for";
    }
}

// The ring that outlasts absorb_time at line rate, or the largest there can be. Powers of two:
// several drivers take nothing else.
void compute_ring(const PortRequest& request, const rte_eth_dev_info& info, PortPlan& plan) {
    const std::uint32_t most = ring_most(info);
    if (request.link_speed_bits == 0) {
        plan.rx_descriptors = as_device_wants(std::min(rx_ring_default, most), info);
        plan.ring_reason = "the device has no speed to compute it from";
        return;
    }
    const std::uint64_t frames = frames_to_absorb(request.link_speed_bits, plan.queues);
    const std::uint64_t wanted = std::max<std::uint64_t>(std::bit_ceil(frames), rx_ring_default);
    plan.rx_descriptors = as_device_wants(
        wanted <= most ? static_cast<std::uint32_t>(wanted) : std::bit_floor(most), info);
    plan.ring_reason = wanted <= most                          ? "all of it"
                       : info.rx_desc_lim.nb_max > rx_ring_max ? "the most that tapmeter takes"
                                                               : "the most that the device has";
    fit_into_memory(request, info, plan);
    plan.ring_reason = std::to_string(absorb_time.count()) + " ms at line rate are " +
                       std::to_string(frames) + ", this is " + plan.ring_reason + ": " +
                       lasts(request, plan, frame_octets_min) + ", " +
                       lasts(request, plan, ethernet_frame_octets_max);
}

Result<void> plan_ring(const PortRequest& request, const rte_eth_dev_info& info, PortPlan& plan) {
    const std::uint32_t most = ring_most(info);
    if (request.rx_ring > most) {
        return refused(request, "rx_ring = " + std::to_string(request.rx_ring) +
                                    ", but a queue of the device holds at most " +
                                    std::to_string(most) + " descriptors");
    }
    if (request.rx_ring == 0) {
        compute_ring(request, info, plan);
        return {};
    }
    plan.rx_descriptors = as_device_wants(request.rx_ring, info);
    plan.ring_reason = "as configured";
    return {};
}

}  // namespace

std::uint64_t fastest_link_bits(std::uint32_t capabilities) noexcept {
    struct Speed {
        std::uint32_t bit;
        std::uint64_t megabits;
    };
    constexpr std::array speeds{
        Speed{RTE_ETH_LINK_SPEED_200G, 200'000}, Speed{RTE_ETH_LINK_SPEED_100G, 100'000},
        Speed{RTE_ETH_LINK_SPEED_56G, 56'000},   Speed{RTE_ETH_LINK_SPEED_50G, 50'000},
        Speed{RTE_ETH_LINK_SPEED_40G, 40'000},   Speed{RTE_ETH_LINK_SPEED_25G, 25'000},
        Speed{RTE_ETH_LINK_SPEED_20G, 20'000},   Speed{RTE_ETH_LINK_SPEED_10G, 10'000},
        Speed{RTE_ETH_LINK_SPEED_5G, 5'000},     Speed{RTE_ETH_LINK_SPEED_2_5G, 2'500},
        Speed{RTE_ETH_LINK_SPEED_1G, 1'000},     Speed{RTE_ETH_LINK_SPEED_100M, 100}};
    constexpr std::uint64_t bits_per_megabit = 1'000'000;
    for (const Speed& speed : speeds) {
        if ((capabilities & speed.bit) != 0) {
            return speed.megabits * bits_per_megabit;
        }
    }
    return 0;
}

Result<PortPlan> plan_port(const PortRequest& request, const rte_eth_dev_info& info) {
    const auto queues = plan_queues(request, info);
    if (!queues) {
        return tl::unexpected(queues.error());
    }
    PortPlan plan;
    plan.queues = *queues;
    plan.tx_queues = std::min(*queues, info.max_tx_queues);
    plan.scatter = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
    plan.mtu = plan_mtu(info, plan.scatter);
    if (auto ring = plan_ring(request, info, plan); !ring) {
        return tl::unexpected(ring.error());
    }
    const std::uint64_t buffers = plan_buffers(request, plan);
    if (buffers > pool_buffers_max) {
        return refused(request, "needs " + std::to_string(buffers) + " buffers a queue, at most " +
                                    std::to_string(pool_buffers_max) +
                                    " are possible; use a smaller file or leave infinite_rx out");
    }
    plan.buffers_per_queue = static_cast<std::uint32_t>(buffers);
    return plan;
}

std::uint64_t pool_octets(std::uint32_t buffers) noexcept {
    constexpr std::uint64_t buffer_octets =
        sizeof(rte_mempool_objhdr) + sizeof(rte_mbuf) + RTE_PKTMBUF_HEADROOM + buffer_frame_octets;
    return buffers * buffer_octets;
}

}  // namespace tapmeter::dpdk
