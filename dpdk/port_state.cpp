#include <net/if.h>
#include <rte_ethdev.h>
#include <rte_mbuf_dyn.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "dpdk/port.h"

namespace tapmeter::dpdk {

namespace {

constexpr std::uint64_t bits_per_megabit = 1'000'000;

// State of the kernel's interface behind a virtual device: the drivers net_af_packet and net_af_xdp
// always say that the link is up, even after the interface is gone.
std::optional<bool> kernel_link_up(const std::string& interface) noexcept {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) {
        return std::nullopt;
    }
    ifreq request{};
    interface.copy(static_cast<char*>(request.ifr_name), IFNAMSIZ - 1);
    const bool known = ::ioctl(socket, SIOCGIFFLAGS, &request) == 0;
    ::close(socket);
    constexpr unsigned both = IFF_UP | IFF_RUNNING;
    return known && (static_cast<unsigned>(request.ifr_flags) & both) == both;
}

// The drivers whose rx_nombuf is a lost frame. All others leave the frame where it waits and try
// again; if that lasts, the ring fills and the frame is counted as missed, once.
bool no_buffer_is_loss(const std::string& driver) {
    return driver == "net_pcap" || driver == "net_tap";
}

}  // namespace

QueueOptions Port::queue_options(std::uint16_t queue, const PortOptions& options) const {
    FrameTime time{.clock = options.clock};
    const int offset = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, nullptr);
    const int flag = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, nullptr);
    // Only net_pcap's stamps have a known unit and epoch: a NIC counts its own clock's ticks.
    if (ends_ && offset >= 0 && flag >= 0) {
        time.stamp_offset = static_cast<std::size_t>(offset);
        time.stamp_flag = std::uint64_t{1} << static_cast<unsigned>(flag);
    }
    return {.name = "dpdk " + device_.name + " queue " + std::to_string(queue),
            .port = id_,
            .queue = queue,
            .observation_point = options.observation_point,
            .time = time,
            .on_demand = on_demand_,
            .ends = ends_};
}

PortStatistics Port::statistics() {
    PortStatistics result;
    rte_eth_stats stats{};
    if (rte_eth_stats_get(id_, &stats) == 0) {
        result.known = true;
        result.received = stats.ipackets;
        result.missed = stats.imissed + kernel_sockets_.dropped();
        result.errors = stats.ierrors;
        result.no_buffer = no_buffer_is_loss(driver_) ? stats.rx_nombuf : 0;
    }
    rte_eth_link link{};
    if (rte_eth_link_get_nowait(id_, &link) == 0) {
        result.link_up = link.link_status == RTE_ETH_LINK_UP;
        result.link_speed_bits =
            link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed * bits_per_megabit;
    }
    if (const auto interface = device_.argument("iface"); interface && driver_ != "net_vhost") {
        result.link_up = kernel_link_up(std::string(*interface)).value_or(result.link_up);
    }
    return result;
}

std::vector<Capability> Port::capabilities() const {
    const std::string times =
        ends_ ? "of the capture file, in microseconds" : "software, one clock reading a burst";
    const std::string frames =
        (plan_.mtu != 0 ? "MTU " + std::to_string(plan_.mtu) : std::string("MTU of the driver")) +
        (plan_.scatter ? ", longer than one buffer too" : ", one buffer each");
    std::string memory = "the device has no NUMA node";
    if (socket_ >= 0) {
        memory = foreign_memory_ ? "not on NUMA node " + std::to_string(socket_) +
                                       " of the device, which has too little"
                                 : "on NUMA node " + std::to_string(socket_) + " of the device";
    }
    return {
        {"mode", "DPDK, driver " + driver_},
        {"queues", std::to_string(plan_.queues) + " of " + std::to_string(plan_.rx_descriptors) +
                       " descriptors and " + std::to_string(plan_.buffers_per_queue) + " buffers"},
        {"ring", plan_.ring_reason},
        {"memory", memory},
        {"symmetric hash", plan_.queues == 1 ? std::string("not needed: one queue") : rss_.how},
        {"timestamps", times},
        {"frames", frames},
        {"promiscuous", promiscuous_},
        {"zero copy", device_.is_pci ? "yes: the NIC writes into the buffers that workers read"
                                     : "no: a virtual device"},
    };
}

}  // namespace tapmeter::dpdk
