#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dpdk/device_text.h"
#include "dpdk/eal.h"
#include "dpdk/packet_sockets.h"
#include "dpdk/port_plan.h"
#include "dpdk/queue.h"
#include "dpdk/queue_statistics.h"
#include "dpdk/rss.h"
#include "pipeline/base/result.h"
#include "pipeline/base/source.h"

struct rte_device;
struct rte_mempool;

namespace tapmeter::dpdk {

struct PortOptions {
    // "0000:17:00.0", "net_ring0", "net_pcap0,rx_pcap=FILE", "net_af_packet0,iface=eth1,qpairs=2"
    std::string device;
    std::uint16_t observation_point = 0;
    std::uint32_t queues = 0;   // 0: what the device has, at most one per worker
    std::uint32_t rx_ring = 0;  // descriptors per queue; 0: computed, see PortPlan
    bool promiscuous = true;
    std::uint32_t workers = 1;
    const LiveClock* clock = nullptr;  // outlives the port
};

// What DPDK says about the state of a port.
struct PortStatistics {
    bool known = false;
    std::uint64_t received = 0;   // by the driver; a NIC's may still wait in its ring
    std::uint64_t missed = 0;     // the ring was full
    std::uint64_t errors = 0;     // refused by the NIC or driver
    std::uint64_t no_buffer = 0;  // lost for want of a buffer; see Port::statistics()
    bool link_up = true;
    std::uint64_t link_speed_bits = 0;
};

// One started port. Main thread; statistics() one thread at a time.
class Port {
public:
    // errors  invalid_config  the device's text, queues or ring beyond what it has, in use already
    //         no_such_device  it could not be brought up: what DPDK said, and the cure
    //         no_memory       the buffers do not fit into the configured memory
    //         io              it did not take its set-up or did not start
    static Result<std::unique_ptr<Port>> open(const PortOptions& options);

    // For open() alone: a port that is not there yet.
    explicit Port(DeviceText device) : device_(std::move(device)) {}
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;
    // Stops the port, closes it and gives device and buffers back. All queues are released by now.
    ~Port();

    std::uint16_t queues() const noexcept { return plan_.queues; }
    bool ends() const noexcept { return ends_; }  // a capture file, read once
    bool symmetric() const noexcept { return plan_.queues == 1 || rss_.symmetric; }
    QueueOptions queue_options(std::uint16_t queue, const PortOptions& options) const;
    PortStatistics statistics();
    // As the driver counts them by queue; empty where it does not.
    std::vector<DeviceQueueCounters> queue_statistics() const { return per_queue_.read(); }
    std::vector<Capability> capabilities() const;
    const std::string& name() const noexcept { return device_.name; }
    const std::string& driver() const noexcept { return driver_; }

    // Asks the device to take no more frames, as far as it can be asked.
    void stop_arrivals() const noexcept;

private:
    Result<bool> find_or_probe();
    Result<bool> claim();
    Result<bool> make_plan(const PortOptions& options);
    Result<bool> configure();
    Result<bool> make_pools();
    rte_mempool* make_pool(std::uint16_t queue);
    std::uint64_t memory_left() const;
    Result<bool> set_up_queues();
    Result<bool> start(bool promiscuous);
    void close() noexcept;
    Result<bool> probe_failed(int error, std::uint64_t mark) const;
    tl::unexpected<Error> refused(const std::string& what, int error, std::uint64_t mark) const;

    const DeviceText device_;
    const PortLease lease_;
    std::string driver_;
    rte_device* handle_ = nullptr;
    std::uint16_t id_ = 0;
    int socket_ = -1;     // NUMA node; -1: any
    bool found_ = false;  // id_ is a port
    bool ours_ = false;   // we brought the device up, so we take it down
    bool claimed_ = false;
    bool started_ = false;
    std::uint64_t owner_ = 0;
    bool on_demand_ = false;
    bool ends_ = false;
    PortPlan plan_;
    RssState rss_;
    QueueStatistics per_queue_;
    PacketSockets kernel_sockets_;  // of net_af_packet
    bool foreign_memory_ = false;   // its NUMA node had none left: buffers lie on another
    std::string promiscuous_;
    std::vector<rte_mempool*> pools_;  // one a queue; freed after the port is closed
};

}  // namespace tapmeter::dpdk
