#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/machine/core_list.h"
#include "src/machine/tree.h"

namespace tapmeter::machine {

// What matters of a machine to a meter that polls. All of it is read from /proc and /sys, but for
// what only a driver can tell. Nothing is changed.

struct HugePages {
    unsigned node = 0;
    std::uint64_t page_octets = 0;
    std::uint64_t total = 0;
    std::uint64_t free = 0;
};

// A state in which an idle core sleeps.
struct SleepState {
    std::string folder = {};  // "/sys/devices/system/cpu/cpu3/cpuidle/state2"
    std::string name = {};
    std::uint64_t wake_microseconds = 0;
    bool disabled = false;
};

struct Core {
    unsigned number = 0;
    unsigned node = 0;
    CoreList siblings = {};     // that share its execution units, itself included
    std::string governor = {};  // empty: the machine does not tell
    std::vector<SleepState> sleeps = {};
};

struct Interrupt {
    unsigned number = 0;
    std::string name = {};  // of its handler
    CoreList cores = {};    // where it may be served
};

// What a driver alone tells of an interface.
struct DriverAnswers {
    std::uint32_t rx_ring = 0;  // 0: not told
    std::uint32_t rx_ring_max = 0;
    std::uint64_t speed_bits = 0;
    bool gro = false;
    bool lro = false;
};

struct Interface {
    std::string name = {};
    bool up = false;
    bool is_virtual = false;
    std::string bus_name = {};  // of its device: "virtio2", "0000:17:00.0"; empty where virtual
    int node = -1;              // -1: the machine does not tell
    std::uint32_t mtu = 0;
    std::uint32_t rx_queues = 0;
    std::uint64_t defer_interrupts = 0;  // napi_defer_hard_irqs
    std::uint64_t flush_timeout = 0;     // gro_flush_timeout, nanoseconds
    DriverAnswers driver = {};
};

struct PciDevice {
    std::string address = {};
    std::string driver = {};  // of the kernel; empty: none
    int node = -1;
    std::vector<std::string> interfaces = {};
    bool in_iommu_group = false;
};

struct Facts {
    std::string kernel = {};  // "6.1.0-18-amd64"
    unsigned kernel_major = 0;
    unsigned kernel_minor = 0;
    std::vector<HugePages> huge_pages = {};
    std::vector<Core> cores = {};
    CoreList isolated = {};   // isolcpus=
    CoreList tickless = {};   // nohz_full=
    CoreList offloaded = {};  // rcu_nocbs=; nohz_full= implies it
    std::optional<bool> turbo;
    std::vector<Interrupt> interrupts = {};
    bool irqbalance = false;
    bool iommu = false;
    std::uint64_t lock_octets_max = 0;       // RLIMIT_MEMLOCK; UINT64_MAX: unlimited
    bool may_lock = false;                   // CAP_IPC_LOCK: the limit does not count
    std::vector<Interface> interfaces = {};  // of the kernel
    std::vector<PciDevice> pci = {};         // network devices only

    const Core* core(unsigned number) const;
    const Interface* interface(const std::string& name) const;
    const PciDevice* pci_device(const std::string& address) const;
    bool kernel_at_least(unsigned major, unsigned minor) const;
};

using AskDriver = std::function<DriverAnswers(const std::string& interface)>;

// By ethtool; nothing where the driver does not tell.
DriverAnswers ask_driver(const std::string& interface);

Facts read_facts(const Tree& tree, const AskDriver& ask);

}  // namespace tapmeter::machine
