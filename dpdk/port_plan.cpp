#include "dpdk/port_plan.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>

#include "pipeline/base/packet.h"

namespace tapmeter::dpdk {

namespace {

constexpr std::uint64_t pool_buffers_max = std::uint64_t{1} << 26U;
constexpr std::uint32_t ethernet_octets = 18;  // addresses, type, FCS: as DPDK reckons

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

Result<std::uint16_t> plan_ring(const PortRequest& request, const rte_eth_dev_info& info) {
    const rte_eth_desc_lim& limit = info.rx_desc_lim;
    const std::uint32_t most =
        limit.nb_max == 0 ? rx_ring_max : std::min<std::uint32_t>(limit.nb_max, rx_ring_max);
    if (request.rx_ring > most) {
        return refused(request, "rx_ring = " + std::to_string(request.rx_ring) +
                                    ", but a queue of the device holds at most " +
                                    std::to_string(most) + " descriptors");
    }
    const std::uint32_t wanted =
        request.rx_ring != 0 ? request.rx_ring : std::min(rx_ring_default, most);
    const std::uint32_t align = std::max<std::uint32_t>(limit.nb_align, 1);
    const std::uint32_t aligned = (wanted + align - 1) / align * align;
    return static_cast<std::uint16_t>(std::clamp<std::uint32_t>(aligned, limit.nb_min, most));
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
//   bursts in flight   one that the worker holds, one that the driver takes to refill the ring;
//                      a frame takes several buffers where it may exceed one
//   caches             DPDK lets a thread keep 1.5 x pool_cache_buffers; two threads touch a pool:
//                      the one that starts the port and the worker
//   preloaded          net_pcap with infinite_rx copies the whole file into buffers first
std::uint64_t plan_buffers(const PortRequest& request, const PortPlan& plan) {
    const std::uint32_t mtu = plan.mtu != 0 ? plan.mtu : RTE_ETHER_MTU;
    const std::uint32_t frame = std::max(request.frame_octets_max, mtu + ethernet_octets);
    const std::uint64_t segments = (frame + buffer_frame_octets - 1) / buffer_frame_octets;
    const std::uint64_t bursts = 2 * burst_packets_max * segments;
    const std::uint64_t caches = std::uint64_t{2} * pool_cache_buffers * 3 / 2;
    const std::uint64_t preloaded =
        request.packets_preloaded == 0 ? 0 : request.packets_preloaded + 1;
    return plan.rx_descriptors + bursts + caches + preloaded;
}

}  // namespace

Result<PortPlan> plan_port(const PortRequest& request, const rte_eth_dev_info& info) {
    const auto queues = plan_queues(request, info);
    if (!queues) {
        return tl::unexpected(queues.error());
    }
    const auto ring = plan_ring(request, info);
    if (!ring) {
        return tl::unexpected(ring.error());
    }
    PortPlan plan;
    plan.queues = *queues;
    plan.tx_queues = std::min(*queues, info.max_tx_queues);
    plan.rx_descriptors = *ring;
    plan.scatter = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;
    plan.mtu = plan_mtu(info, plan.scatter);
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
