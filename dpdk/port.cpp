#include "dpdk/port.h"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "dpdk/eal_log.h"
#include "dpdk/pcap_file.h"

namespace tapmeter::dpdk {

namespace {

constexpr std::uint16_t tx_descriptors = 64;
// Largest frame in a capture file: what a kernel hands over before it cuts segments.
constexpr std::uint32_t capture_file_frame_octets = 65'553;

bool reads_files(const DeviceText& device) {
    return device.driver == "net_pcap" && device.argument("rx_pcap").has_value();
}

// Files that net_pcap shall read exist and can be read; with infinite_rx, packets of the largest.
Result<std::uint64_t> check_files(const DeviceText& device) {
    std::uint64_t most = 0;
    for (const auto& [key, value] : device.arguments) {
        if (key != "rx_pcap") {
            continue;
        }
        if (const auto sound = check_pcap_file(value); !sound) {
            return tl::unexpected(sound.error());
        }
        if (device.is_set("infinite_rx")) {
            most = std::max(most, count_packets(value).value_or(0));
        }
    }
    return most;
}

rte_eth_conf configuration(const PortPlan& plan, std::uint64_t rss_types, RssKey& key,
                           std::size_t key_octets) {
    rte_eth_conf conf{};
    // Nothing strips VLAN tags or checks sums for us: frames arrive as they were on the wire.
    conf.rxmode.mtu = plan.mtu;
    conf.rxmode.offloads = plan.scatter ? RTE_ETH_RX_OFFLOAD_SCATTER : 0;
    if (rss_types != 0) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_key = key.data();
        conf.rx_adv_conf.rss_conf.rss_key_len = static_cast<std::uint8_t>(key_octets);
        conf.rx_adv_conf.rss_conf.rss_hf = rss_types;
    }
    return conf;
}

}  // namespace

Result<std::unique_ptr<Port>> Port::open(const PortOptions& options) {
    auto device = parse_device(options.device);
    if (!device) {
        return tl::unexpected(device.error());
    }
    if (!eal_is_running()) {
        return failed(Error::Kind::invalid_config,
                      "dpdk " + device->name +
                          ": DPDK's environment is not running; it is started "
                          "once, before the first port");
    }
    auto port = std::make_unique<Port>(std::move(*device));
    // Each step only after the one before succeeded: starting a port whose queues failed to set up
    // crashes inside several drivers. What was done is undone by the destructor.
    const Result<bool> opened =
        port->find_or_probe()
            .and_then([&](bool) { return port->claim(); })
            .and_then([&](bool) { return port->make_plan(options); })
            .and_then([&](bool) { return port->configure(); })
            .and_then([&](bool) { return port->make_pools(); })
            .and_then([&](bool) { return port->set_up_queues(); })
            .and_then([&](bool) { return port->start(options.promiscuous); });
    if (!opened) {
        return tl::unexpected(opened.error());
    }
    return port;
}

Result<bool> Port::find_or_probe() {
    if (rte_eth_dev_get_port_by_name(device_.name.c_str(), &id_) == 0) {
        // A NIC was found when DPDK started and is ours to close; a virtual device that somebody
        // made before is theirs.
        found_ = true;
        ours_ = device_.is_pci;
        return true;
    }
    if (const auto sound = check_files(device_); !sound) {
        return tl::unexpected(sound.error());
    }
    const std::string interface(device_.argument("iface").value_or(""));
    const std::vector<int> sockets_before = PacketSockets::bound_to(interface);
    const std::uint64_t mark = log_mark();
    if (const int error = rte_dev_probe(device_.text().c_str()); error != 0) {
        return probe_failed(-error, mark);
    }
    // A driver may refuse a device and still report success.
    if (rte_eth_dev_get_port_by_name(device_.name.c_str(), &id_) != 0) {
        return probe_failed(ENODEV, mark);
    }
    found_ = true;
    ours_ = true;
    if (device_.driver == "net_af_packet") {
        kernel_sockets_.watch(interface, sockets_before);
    }
    return true;
}

Result<bool> Port::probe_failed(int error, std::uint64_t mark) const {
    const std::string cure =
        device_.is_pci
            ? "; see `tapmeter devices` for the driver it is bound to and the one it needs, and "
              "whether it is among the configured captures"
            : "; check the driver's name and its arguments";
    return failed(Error::Kind::no_such_device, "dpdk " + device_.text() +
                                                   ": 0 of 1 port came up: " + rte_strerror(error) +
                                                   quoted_log_since(mark) + cure);
}

tl::unexpected<Error> Port::refused(const std::string& what, int error, std::uint64_t mark) const {
    return failed(Error::Kind::io, "dpdk " + device_.name + " (" + driver_ + "): " + what + ": " +
                                       rte_strerror(error) + quoted_log_since(mark));
}

Result<bool> Port::claim() {
    rte_eth_dev_owner owner{};
    if (rte_eth_dev_owner_new(&owner_) != 0) {
        owner_ = RTE_ETH_DEV_NO_OWNER;
        return refused("no owner", rte_errno, log_mark());
    }
    owner.id = owner_;
    constexpr std::string_view name = "tapmeter";
    std::ranges::copy(name, static_cast<char*>(owner.name));
    if (rte_eth_dev_owner_set(id_, &owner) != 0) {
        ours_ = false;
        return failed(Error::Kind::invalid_config,
                      "dpdk " + device_.name +
                          ": is captured already; name each device in one capture block only");
    }
    claimed_ = true;
    return true;
}

Result<bool> Port::make_plan(const PortOptions& options) {
    rte_eth_dev_info info{};
    if (const int error = rte_eth_dev_info_get(id_, &info); error != 0) {
        return refused("tells nothing about itself", -error, log_mark());
    }
    driver_ = info.driver_name;
    handle_ = info.device;
    socket_ = rte_eth_dev_socket_id(id_);
    const bool files = reads_files(device_);
    on_demand_ = files || device_.driver == "net_null";
    ends_ = files && !device_.is_set("infinite_rx");

    // The descriptors of virtual devices are a matter of form: what waits, waits elsewhere.
    PortRequest request{
        .device = device_.name,
        .queues = options.queues,
        .rx_ring = options.rx_ring,
        .workers = options.workers,
        .link_speed_bits = device_.is_pci ? fastest_link_bits(info.speed_capa) : 0,
        .memory_octets = memory_left() / 2,  // the next port wants some too
    };
    if (files) {
        const auto preloaded = check_files(device_);
        if (!preloaded) {
            return tl::unexpected(preloaded.error());
        }
        request.packets_preloaded = *preloaded;
        request.frame_octets_max = capture_file_frame_octets;
    }
    const auto plan = plan_port(request, info);
    if (!plan) {
        return tl::unexpected(plan.error());
    }
    plan_ = *plan;
    return true;
}

Result<bool> Port::configure() {
    rte_eth_dev_info info{};
    rte_eth_dev_info_get(id_, &info);
    RssKey key = symmetric_rss_key();
    const std::size_t key_octets = rss_key_octets(info);
    // Several virtual devices accept a hash and never compute one: only a NIC is asked.
    const bool ask = plan_.queues > 1 && device_.is_pci && key_octets != 0;
    const std::uint64_t rss_types = ask ? symmetric_rss_types(info) : 0;
    const std::uint64_t mark = log_mark();
    int error = 0;
    if (rss_types != 0) {
        const rte_eth_conf with_rss = configuration(plan_, rss_types, key, key_octets);
        error = rte_eth_dev_configure(id_, plan_.queues, plan_.tx_queues, &with_rss);
    }
    if (rss_types == 0 || error != 0) {
        const rte_eth_conf plain = configuration(plan_, 0, key, key_octets);
        rss_.how = rss_types == 0 ? "the device has no hash of its own: steering in software"
                                  : "the driver refused the hash key: steering in software";
        error = rte_eth_dev_configure(id_, plan_.queues, plan_.tx_queues, &plain);
    } else {
        rss_.symmetric = true;  // asked for; start() looks whether it is so
    }
    if (error != 0) {
        return refused("does not take " + std::to_string(plan_.queues) + " queues", -error, mark);
    }
    std::uint16_t unused = tx_descriptors;
    rte_eth_dev_adjust_nb_rx_tx_desc(id_, &plan_.rx_descriptors, &unused);
    return true;
}

std::uint64_t Port::memory_left() const {
    rte_malloc_socket_stats memory{};
    const int node = std::max(socket_, 0);
    return rte_malloc_get_socket_stats(node, &memory) == 0 ? memory.heap_freesz_bytes : 0;
}

// On the NUMA node of the port: a buffer elsewhere costs the NIC and the worker a trip between the
// sockets for each frame. Where that node has no memory, slow is better than not at all, and said.
rte_mempool* Port::make_pool(std::uint16_t queue) {
    const std::string name = "tm." + std::to_string(id_) + "." + std::to_string(queue);
    const auto on_node = [&](int node) {
        return rte_pktmbuf_pool_create(name.c_str(), plan_.buffers_per_queue, pool_cache_buffers, 0,
                                       RTE_PKTMBUF_HEADROOM + buffer_frame_octets, node);
    };
    rte_mempool* const pool = on_node(socket_);
    if (pool != nullptr || socket_ < 0) {
        return pool;
    }
    rte_mempool* const anywhere = on_node(SOCKET_ID_ANY);
    foreign_memory_ = foreign_memory_ || anywhere != nullptr;
    return anywhere;
}

// A pool a queue: a queue whose worker stalls cannot take the buffers of the others.
Result<bool> Port::make_pools() {
    for (std::uint16_t queue = 0; queue < plan_.queues; ++queue) {
        rte_mempool* const pool = make_pool(queue);
        if (pool == nullptr) {
            const std::uint64_t octets = plan_.queues * pool_octets(plan_.buffers_per_queue);
            return failed(Error::Kind::no_memory,
                          "dpdk " + device_.name + ": no memory for " +
                              std::to_string(plan_.buffers_per_queue) + " buffers for each of " +
                              std::to_string(plan_.queues) + " queues, " +
                              std::to_string((octets >> 20U) + 1) +
                              " MiB together: " + rte_strerror(rte_errno) +
                              "; raise memory.dpdk or lower queues or rx_ring");
        }
        pools_.push_back(pool);
    }
    return true;
}

Result<bool> Port::set_up_queues() {
    const auto socket = static_cast<unsigned>(socket_);
    const std::uint64_t mark = log_mark();
    for (std::uint16_t queue = 0; queue < plan_.queues; ++queue) {
        const int error = rte_eth_rx_queue_setup(id_, queue, plan_.rx_descriptors, socket, nullptr,
                                                 pools_[queue]);
        if (error != 0) {
            return refused("receive queue " + std::to_string(queue) + " cannot be set up", -error,
                           mark);
        }
    }
    std::uint16_t unused = plan_.rx_descriptors;
    std::uint16_t descriptors = tx_descriptors;
    rte_eth_dev_adjust_nb_rx_tx_desc(id_, &unused, &descriptors);
    for (std::uint16_t queue = 0; queue < plan_.tx_queues; ++queue) {
        const int error = rte_eth_tx_queue_setup(id_, queue, descriptors, socket, nullptr);
        if (error != 0) {
            return refused("send queue " + std::to_string(queue) +
                               " (never used, but the driver wants it) cannot be set up",
                           -error, mark);
        }
    }
    return true;
}

Result<bool> Port::start(bool promiscuous) {
    rte_eth_stats_reset(id_);  // the books start at zero; a driver without the call is at zero
    const std::uint64_t mark = log_mark();
    if (const int error = rte_eth_dev_start(id_); error != 0) {
        return refused("does not start", -error, mark);
    }
    started_ = true;
    per_queue_ = QueueStatistics::find(id_, plan_.queues);
    if (rss_.symmetric) {
        rte_eth_dev_info info{};
        rte_eth_dev_info_get(id_, &info);
        rss_ = settle_rss(id_, plan_.queues, info);
    }
    if (!promiscuous) {
        rte_eth_promiscuous_disable(id_);
        promiscuous_ = "no, as configured";
        return true;
    }
    const int error = rte_eth_promiscuous_enable(id_);
    if (error != 0 && error != -ENOTSUP) {
        return refused("does not become promiscuous", -error, mark);
    }
    promiscuous_ = error == 0 ? "yes" : "the driver has no such mode; it gives all it gets";
    return true;
}

void Port::stop_arrivals() const noexcept {
    // A NIC whose link is down keeps what waits in its ring. Without that, only less arrives.
    if (rte_eth_dev_set_link_down(id_) != 0) {
        rte_eth_promiscuous_disable(id_);
    }
}

Port::~Port() {
    close();
    for (rte_mempool* const pool : pools_) {
        rte_mempool_free(pool);
    }
}

void Port::close() noexcept {
    if (started_) {
        rte_eth_dev_stop(id_);
    }
    if (claimed_) {
        rte_eth_dev_owner_unset(id_, owner_);
    }
    if (!found_ || !ours_) {
        return;
    }
    if (handle_ == nullptr) {
        rte_eth_dev_info info{};
        rte_eth_dev_info_get(id_, &info);
        handle_ = info.device;
    }
    rte_eth_dev_close(id_);
    if (handle_ != nullptr) {
        rte_dev_remove(handle_);
    }
}

}  // namespace tapmeter::dpdk
