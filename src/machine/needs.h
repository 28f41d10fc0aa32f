#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "src/config/config.h"
#include "src/machine/facts.h"

namespace tapmeter::machine {

// One real port of a configuration.
struct PortNeed {
    std::string capture = {};  // its name
    std::string device = {};   // "eth1", "0000:17:00.0"
    bool by_dpdk = false;
    int node = -1;                   // -1: nobody knows
    std::uint32_t queues = 0;        // wished, or what the device has; 0: nobody knows
    std::uint32_t rx_ring = 0;       // wished, or computed from the speed
    std::uint32_t frame_octets = 0;  // AF_XDP
    bool busy_poll = false;
};

// What a configuration asks of a machine.
struct Needs {
    std::uint32_t workers = 1;
    CoreList worker_cores = {};  // as configured; else proposed
    bool cores_are_proposed = false;
    std::vector<PortNeed> ports = {};
    bool dpdk = false;                 // a capture by DPDK, virtual or not
    bool huge_pages_demanded = false;  // memory.hugepages = "on"
    // Octets of huge pages by NUMA node: flow tables where their workers are, packet buffers where
    // their ports are. Empty where memory.hugepages = "off".
    std::map<unsigned, std::uint64_t> huge_octets = {};
};

// workers   how many there will be; the configuration alone does not say
Needs needs_of(const Config& config, std::uint32_t workers, const Facts& facts);

// Core 0 and its siblings, for the kernel and everything that is no worker.
CoreList house_cores(const Facts& facts);

inline constexpr std::uint64_t huge_page_octets = std::uint64_t{2} << 20U;
// 2 MiB pages of `node` that are needed, and those that are free there.
struct HugePageNeed {
    unsigned node = 0;
    std::uint64_t needed = 0;
    std::uint64_t free = 0;
    std::uint64_t total = 0;
};
std::vector<HugePageNeed> huge_page_needs(const Needs& needs, const Facts& facts);

// Descriptors that the ring of a NIC should have: 10 ms at line rate as far as the NIC goes.
std::uint32_t ring_wanted(const DriverAnswers& driver, std::uint32_t queues);

}  // namespace tapmeter::machine
