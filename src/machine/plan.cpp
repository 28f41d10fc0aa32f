#include "src/machine/plan.h"

#include <algorithm>

namespace tapmeter::machine {

namespace {

using How = Step::How;
using Steps = std::vector<Step>;

// Sleep states that take longer to leave than a full receive ring lasts in bad cases.
constexpr std::uint64_t wake_microseconds_max = 10;
constexpr std::string_view huge_page_folder = "/hugepages/hugepages-2048kB/nr_hugepages";

std::string mebibytes(std::uint64_t pages) {
    return std::to_string((pages * huge_page_octets) >> 20U) + " MiB";
}

void plan_huge_pages(const Needs& needs, const Facts& facts, Steps& steps) {
    const bool has_nodes = !facts.cores.empty() && facts.huge_pages.size() > 0;
    for (const HugePageNeed& need : huge_page_needs(needs, facts)) {
        if (!has_nodes || need.free >= need.needed) {
            continue;
        }
        const std::string node = std::to_string(need.node);
        steps.push_back(
            {.topic = "hugepages",
             .how = How::write,
             .reason = mebibytes(need.needed) +
                       " for flow tables and packet buffers on "
                       "NUMA node " +
                       node + ", " + mebibytes(need.free) + " are free",
             .path = "/sys/devices/system/node/node" + node + std::string(huge_page_folder),
             .value = std::to_string(need.total + need.needed - need.free)});
    }
}

void plan_governor(const Needs& needs, const Facts& facts, Steps& steps) {
    for (const unsigned number : needs.worker_cores) {
        const Core* const core = facts.core(number);
        if (core != nullptr && !core->governor.empty() && core->governor != "performance") {
            steps.push_back({.topic = "governor",
                             .how = How::write,
                             .reason = "core " + std::to_string(number) + " polls; governor \"" +
                                       core->governor + "\" takes its clock away between bursts",
                             .path = "/sys/devices/system/cpu/cpu" + std::to_string(number) +
                                     "/cpufreq/scaling_governor",
                             .value = "performance"});
        }
    }
}

void plan_sleep(const Needs& needs, const Facts& facts, Steps& steps) {
    for (const unsigned number : needs.worker_cores) {
        const Core* const core = facts.core(number);
        for (const SleepState& sleep : core != nullptr ? core->sleeps : std::vector<SleepState>{}) {
            if (!sleep.disabled && sleep.wake_microseconds > wake_microseconds_max) {
                steps.push_back({.topic = "sleep",
                                 .how = How::write,
                                 .reason = "core " + std::to_string(number) + " wakes from " +
                                           sleep.name + " after " +
                                           std::to_string(sleep.wake_microseconds) + " us",
                                 .path = sleep.folder + "/disable",
                                 .value = "1"});
            }
        }
    }
}

void plan_interface(const PortNeed& port, const Interface& interface, Steps& steps) {
    const DriverAnswers& driver = interface.driver;
    const std::uint32_t wanted = ring_wanted(driver, port.queues);
    if (driver.rx_ring != 0 && driver.rx_ring < wanted) {
        steps.push_back({.topic = "rings",
                         .how = How::run,
                         .reason = "the NIC holds " + std::to_string(driver.rx_ring) +
                                   " of at most " + std::to_string(driver.rx_ring_max) +
                                   " frames a queue while the kernel is busy",
                         .words = {"ethtool", "-G", port.device, "rx", std::to_string(wanted)}});
    }
    std::vector<std::string> off{"ethtool", "-K", port.device};
    for (const auto& [on, word] : {std::pair{driver.gro, "gro"}, std::pair{driver.lro, "lro"}}) {
        if (on) {
            off.insert(off.end(), {word, "off"});
        }
    }
    if (off.size() > 3) {
        steps.push_back({.topic = "offloads",
                         .how = How::run,
                         .reason = "merged packets are counted as one in generic mode; LRO forbids "
                                   "native XDP to most drivers",
                         .words = off});
    }
    const std::string folder = "/sys/class/net/" + port.device;
    if (port.busy_poll && interface.defer_interrupts == 0) {
        steps.push_back({.topic = "interrupts",
                         .how = How::write,
                         .reason = "busy polling needs the NIC's interrupts to hold back",
                         .path = folder + "/napi_defer_hard_irqs",
                         .value = "2"});
    }
    if (port.busy_poll && interface.flush_timeout == 0) {
        steps.push_back({.topic = "interrupts",
                         .how = How::write,
                         .reason = "and to come back by themselves after 200 us without polling",
                         .path = folder + "/gro_flush_timeout",
                         .value = "200000"});
    }
}

// "ice-eth9-TxRx-0", "mlx5_comp0@pci:0000:17:00.0" and "virtio2-input.0" name their device; "eth9"
// does not mean eth90.
bool names(const Interrupt& interrupt, const std::string& device) {
    const std::size_t at = device.empty() ? std::string::npos : interrupt.name.find(device);
    if (at == std::string::npos) {
        return false;
    }
    const std::size_t behind = at + device.size();
    return behind == interrupt.name.size() || interrupt.name[behind] < '0' ||
           interrupt.name[behind] > '9';
}

// The interrupts of a captured port belong beside its workers.
bool is_of_a_port(const Interrupt& interrupt, const Needs& needs, const Facts& facts) {
    return std::ranges::any_of(needs.ports, [&](const PortNeed& port) {
        const Interface* const interface = facts.interface(port.device);
        return names(interrupt, port.device) ||
               (interface != nullptr && names(interrupt, interface->bus_name));
    });
}

void plan_interrupts(const Needs& needs, const Facts& facts, Steps& steps) {
    if (needs.cores_are_proposed) {
        return;  // nobody is pinned: there is no core to keep free
    }
    bool any = false;
    for (const Interrupt& interrupt : facts.interrupts) {
        const CoreList elsewhere = without(interrupt.cores, needs.worker_cores);
        const CoreList disturbed = both(interrupt.cores, needs.worker_cores);
        CoreList all;
        for (const Core& core : facts.cores) {
            all.push_back(core.number);
        }
        const CoreList house = without(all, needs.worker_cores);
        if (disturbed.empty() || house.empty() || is_of_a_port(interrupt, needs, facts)) {
            continue;
        }
        any = true;
        steps.push_back(
            {.topic = "interrupts",
             .how = How::write,
             .reason = "interrupt " + std::to_string(interrupt.number) + " (" + interrupt.name +
                       ") may stop the workers on " + text_of(disturbed),
             .path = "/proc/irq/" + std::to_string(interrupt.number) + "/smp_affinity_list",
             .value = text_of(elsewhere.empty() ? house : elsewhere)});
    }
    if (facts.irqbalance && (any || !needs.ports.empty())) {
        steps.push_back({.topic = "interrupts",
                         .how = How::by_hand,
                         .reason = "irqbalance would move them back",
                         .words = {"systemctl", "disable", "--now", "irqbalance"}});
    }
}

bool serves_dpdk(const std::string& driver) {
    constexpr std::array drivers{"vfio-pci", "uio_pci_generic", "igb_uio", "mlx5_core"};
    return std::ranges::find(drivers, driver) != drivers.end();
}

void plan_binding(const PciDevice& device, const Facts& facts, Steps& steps) {
    if (serves_dpdk(device.driver)) {
        return;
    }
    const std::string folder = "/sys/bus/pci/devices/" + device.address;
    const bool busy = std::ranges::any_of(device.interfaces, [&](const std::string& name) {
        const Interface* const interface = facts.interface(name);
        return interface != nullptr && interface->up;
    });
    if (busy) {
        steps.push_back(
            {.topic = "binding",
             .how = How::by_hand,
             .reason = device.address + " is in use as " + device.interfaces.front() +
                       "; DPDK takes it away from the kernel. Take it down, then set up "
                       "again",
             .words = {"ip", "link", "set", device.interfaces.front(), "down"}});
        return;
    }
    steps.push_back({.topic = "binding",
                     .how = How::run,
                     .reason = "the driver that hands a device to DPDK",
                     .words = {"modprobe", "vfio-pci"}});
    steps.push_back({.topic = "binding",
                     .how = How::write,
                     .reason = device.address + " goes to DPDK",
                     .path = folder + "/driver_override",
                     .value = "vfio-pci"});
    if (!device.driver.empty()) {
        steps.push_back({.topic = "binding",
                         .how = How::write,
                         .reason = "away from " + device.driver,
                         .path = folder + "/driver/unbind",
                         .value = device.address});
    }
    steps.push_back({.topic = "binding",
                     .how = How::write,
                     .reason = "and to vfio-pci",
                     .path = "/sys/bus/pci/drivers_probe",
                     .value = device.address});
}

void plan_isolation(const Needs& needs, const Facts& facts, Steps& steps) {
    const CoreList& cores = needs.worker_cores;
    const std::string list = text_of(cores);
    if (cores.empty()) {
        return;
    }
    if (!without(cores, facts.isolated).empty()) {
        steps.push_back({.topic = "isolation",
                         .how = How::reboot,
                         .reason = "nothing else is scheduled on the workers' cores",
                         .value = "isolcpus=managed_irq,domain," + list});
    }
    if (!without(cores, facts.tickless).empty()) {
        steps.push_back({.topic = "isolation",
                         .how = How::reboot,
                         .reason = "no timer tick while one thread runs there",
                         .value = "nohz_full=" + list});
    }
    if (!without(cores, facts.offloaded).empty()) {
        steps.push_back({.topic = "isolation",
                         .how = How::reboot,
                         .reason = "the kernel's deferred work is done elsewhere",
                         .value = "rcu_nocbs=" + list});
    }
}

void plan_iommu(const Needs& needs, const Facts& facts, Steps& steps) {
    const bool wants = std::ranges::any_of(needs.ports, [&](const PortNeed& port) {
        const PciDevice* const device = facts.pci_device(port.device);
        return port.by_dpdk && device != nullptr && device->driver != "mlx5_core";
    });
    if (wants && !facts.iommu) {
        steps.push_back({.topic = "binding",
                         .how = How::reboot,
                         .reason = "vfio-pci keeps a NIC to its own memory only with an IOMMU "
                                   "(and in the firmware: VT-d or AMD-Vi on)",
                         .value = "intel_iommu=on iommu=pt"});
    }
}

}  // namespace

std::string Step::line() const {
    if (how == How::write) {
        return "echo " + value + " > " + path;
    }
    if (how == How::reboot) {
        return "kernel command line: " + value;
    }
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : " ") + word;
    }
    return text;
}

std::vector<Step> plan_setup(const Needs& needs, const Facts& facts) {
    Steps steps;
    plan_huge_pages(needs, facts, steps);
    plan_governor(needs, facts, steps);
    plan_sleep(needs, facts, steps);
    for (const PortNeed& port : needs.ports) {
        const Interface* const interface = facts.interface(port.device);
        if (interface != nullptr && !port.by_dpdk) {
            plan_interface(port, *interface, steps);
        }
    }
    plan_interrupts(needs, facts, steps);
    for (const PortNeed& port : needs.ports) {
        const PciDevice* const device = facts.pci_device(port.device);
        if (device != nullptr && port.by_dpdk) {
            plan_binding(*device, facts, steps);
        }
    }
    plan_isolation(needs, facts, steps);
    plan_iommu(needs, facts, steps);
    return steps;
}

}  // namespace tapmeter::machine
