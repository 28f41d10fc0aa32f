#include "src/machine/facts.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <sstream>
#include <string_view>

#include "xdp/ethtool.h"

namespace tapmeter::machine {

namespace {

const std::string cpus = "/sys/devices/system/cpu";
const std::string nodes = "/sys/devices/system/node";

// The number behind `prefix`: 3 of "node3".
std::optional<unsigned> number_behind(std::string_view name, std::string_view prefix) {
    unsigned number = 0;
    if (!name.starts_with(prefix)) {
        return std::nullopt;
    }
    const auto digits = name.substr(prefix.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool whole = error == std::errc() && end == digits.data() + digits.size();
    return whole ? std::optional(number) : std::nullopt;
}

CoreList cores_in(const Tree& tree, const std::string& path) {
    return parse_cores(tree.text(path).value_or("")).value_or(CoreList{});
}

void read_huge_pages(const Tree& tree, const std::string& folder, unsigned node, Facts& facts) {
    constexpr std::string_view prefix = "hugepages-";
    for (const std::string& name : tree.names(folder)) {
        if (!name.ends_with("kB")) {
            continue;
        }
        const auto kibibytes =
            number_behind(std::string_view(name).substr(0, name.size() - 2), prefix);
        if (kibibytes) {
            facts.huge_pages.push_back(
                {.node = node,
                 .page_octets = std::uint64_t{*kibibytes} << 10U,
                 .total = tree.number(folder + "/" + name + "/nr_hugepages").value_or(0),
                 .free = tree.number(folder + "/" + name + "/free_hugepages").value_or(0)});
        }
    }
}

void read_memory(const Tree& tree, Facts& facts) {
    for (const std::string& name : tree.names(nodes)) {
        if (const auto node = number_behind(name, "node")) {
            read_huge_pages(tree, nodes + "/" + name + "/hugepages", *node, facts);
        }
    }
    if (facts.huge_pages.empty()) {  // a kernel without NUMA
        read_huge_pages(tree, "/sys/kernel/mm/hugepages", 0, facts);
    }
    std::istringstream limits(tree.text("/proc/self/limits").value_or(""));
    for (std::string line; std::getline(limits, line);) {
        constexpr std::string_view wanted = "Max locked memory";
        if (line.starts_with(wanted)) {
            std::string soft;
            std::istringstream(line.substr(wanted.size())) >> soft;
            facts.lock_octets_max = std::numeric_limits<std::uint64_t>::max();
            std::from_chars(soft.data(), soft.data() + soft.size(), facts.lock_octets_max);
        }
    }
    std::istringstream status(tree.text("/proc/self/status").value_or(""));
    for (std::string line; std::getline(status, line);) {
        constexpr std::string_view wanted = "CapEff:\t";
        std::uint64_t mask = 0;
        if (line.starts_with(wanted)) {
            std::from_chars(line.data() + wanted.size(), line.data() + line.size(), mask, 16);
            constexpr unsigned cap_ipc_lock = 14;  // capabilities(7)
            facts.may_lock = ((mask >> cap_ipc_lock) & 1U) != 0;
        }
    }
}

std::vector<SleepState> read_sleeps(const Tree& tree, const std::string& folder) {
    std::vector<SleepState> sleeps;
    for (const std::string& name : tree.names(folder)) {
        const std::string state = folder + "/" + name;
        if (number_behind(name, "state")) {
            sleeps.push_back({.folder = state,
                              .name = tree.text(state + "/name").value_or(name),
                              .wake_microseconds = tree.number(state + "/latency").value_or(0),
                              .disabled = tree.number(state + "/disable").value_or(0) != 0});
        }
    }
    return sleeps;
}

void read_cores(const Tree& tree, Facts& facts) {
    for (const unsigned number : cores_in(tree, cpus + "/online")) {
        const std::string folder = cpus + "/cpu" + std::to_string(number);
        Core core{.number = number,
                  .siblings = cores_in(tree, folder + "/topology/thread_siblings_list"),
                  .governor = tree.text(folder + "/cpufreq/scaling_governor").value_or(""),
                  .sleeps = read_sleeps(tree, folder + "/cpuidle")};
        for (const std::string& name : tree.names(folder)) {
            core.node = number_behind(name, "node").value_or(core.node);
        }
        facts.cores.push_back(std::move(core));
    }
    facts.isolated = cores_in(tree, cpus + "/isolated");
    facts.tickless = cores_in(tree, cpus + "/nohz_full");
    facts.offloaded = facts.tickless;
    std::istringstream line(tree.text("/proc/cmdline").value_or(""));
    for (std::string word; line >> word;) {
        constexpr std::string_view wanted = "rcu_nocbs=";
        if (word.starts_with(wanted)) {
            const auto listed = parse_cores(word.substr(wanted.size())).value_or(CoreList{});
            facts.offloaded.insert(facts.offloaded.end(), listed.begin(), listed.end());
            std::ranges::sort(facts.offloaded);
        }
    }
    if (const auto off = tree.number(cpus + "/intel_pstate/no_turbo")) {
        facts.turbo = *off == 0;
    } else if (const auto on = tree.number(cpus + "/cpufreq/boost")) {
        facts.turbo = *on != 0;
    }
}

void read_interrupts(const Tree& tree, Facts& facts) {
    for (const std::string& name : tree.names("/proc/irq")) {
        const auto number = number_behind(name, "");
        const std::string folder = "/proc/irq/" + name;
        std::string handlers;
        for (const std::string& inside : number ? tree.names(folder) : std::vector<std::string>{}) {
            if (tree.is_folder(folder + "/" + inside)) {  // a handler's; all else are files
                handlers += (handlers.empty() ? "" : ", ") + inside;
            }
        }
        if (!handlers.empty()) {
            facts.interrupts.push_back({.number = *number,
                                        .name = handlers,
                                        .cores = cores_in(tree, folder + "/smp_affinity_list")});
        }
    }
    for (const std::string& name : tree.names("/proc")) {
        facts.irqbalance =
            facts.irqbalance || (number_behind(name, "") &&
                                 tree.text("/proc/" + name + "/comm").value_or("") == "irqbalance");
    }
}

int node_of(const Tree& tree, const std::string& device) {
    const auto text = tree.text(device + "/numa_node").value_or("-1");
    return static_cast<int>(number_behind(text, "").value_or(static_cast<unsigned>(-1)));
}

void read_interfaces(const Tree& tree, const AskDriver& ask, Facts& facts) {
    for (const std::string& name : tree.names("/sys/class/net")) {
        const std::string folder = "/sys/class/net/" + name;
        Interface interface;
        interface.name = name;
        interface.up = tree.text(folder + "/operstate").value_or("") == "up";
        interface.is_virtual = !tree.exists(folder + "/device");
        interface.bus_name = tree.leads_to(folder + "/device").value_or("");
        interface.node = node_of(tree, folder + "/device");
        interface.mtu = static_cast<std::uint32_t>(tree.number(folder + "/mtu").value_or(0));
        interface.defer_interrupts = tree.number(folder + "/napi_defer_hard_irqs").value_or(0);
        interface.flush_timeout = tree.number(folder + "/gro_flush_timeout").value_or(0);
        for (const std::string& queue : tree.names(folder + "/queues")) {
            interface.rx_queues += queue.starts_with("rx-") ? 1 : 0;
        }
        interface.driver = ask(name);
        facts.interfaces.push_back(std::move(interface));
    }
}

void read_pci(const Tree& tree, Facts& facts) {
    const std::string devices = "/sys/bus/pci/devices";
    for (const std::string& address : tree.names(devices)) {
        const std::string folder = devices + "/" + address;
        constexpr std::string_view network = "0x02";  // PCI class code
        if (tree.text(folder + "/class").value_or("").starts_with(network)) {
            facts.pci.push_back({.address = address,
                                 .driver = tree.leads_to(folder + "/driver").value_or(""),
                                 .node = node_of(tree, folder),
                                 .interfaces = tree.names(folder + "/net"),
                                 .in_iommu_group = tree.exists(folder + "/iommu_group")});
        }
    }
    facts.iommu = !tree.names("/sys/class/iommu").empty();
}

void read_kernel(const Tree& tree, Facts& facts) {
    facts.kernel = tree.text("/proc/sys/kernel/osrelease").value_or("");
    std::istringstream text(facts.kernel);
    char dot = 0;
    text >> facts.kernel_major >> dot >> facts.kernel_minor;
}

}  // namespace

const Core* Facts::core(unsigned number) const {
    const auto found = std::ranges::find(cores, number, &Core::number);
    return found == cores.end() ? nullptr : &*found;
}

const Interface* Facts::interface(const std::string& name) const {
    const auto found = std::ranges::find(interfaces, name, &Interface::name);
    return found == interfaces.end() ? nullptr : &*found;
}

const PciDevice* Facts::pci_device(const std::string& address) const {
    const auto found = std::ranges::find(pci, address, &PciDevice::address);
    return found == pci.end() ? nullptr : &*found;
}

bool Facts::kernel_at_least(unsigned major, unsigned minor) const {
    return kernel_major > major || (kernel_major == major && kernel_minor >= minor);
}

DriverAnswers ask_driver(const std::string& interface) {
    const xdp::Ethtool driver(interface);
    const auto rings = driver.rings();
    return {.rx_ring = rings ? rings->rx : 0,
            .rx_ring_max = rings ? rings->rx_max : 0,
            .speed_bits = driver.speed_bits().value_or(0),
            .gro = driver.merges_packets().value_or(false),
            .lro = driver.merges_in_hardware().value_or(false)};
}

Facts read_facts(const Tree& tree, const AskDriver& ask) {
    Facts facts;
    read_kernel(tree, facts);
    read_memory(tree, facts);
    read_cores(tree, facts);
    read_interrupts(tree, facts);
    read_interfaces(tree, ask, facts);
    read_pci(tree, facts);
    return facts;
}

}  // namespace tapmeter::machine
