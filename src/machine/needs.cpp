#include "src/machine/needs.h"

#include <algorithm>
#include <bit>

#include "pipeline/base/absorb.h"
#include "pipeline/flow/flow_table.h"
#include "pipeline/flow/tcp_quality.h"
#include "xdp/ring_size.h"

namespace tapmeter::machine {

namespace {

constexpr std::string_view xdp_scheme = "xdp:";
constexpr std::string_view pci_scheme = "pci:";

bool has_scheme(const std::string& source) {
    return source.find(':') != std::string::npos;
}

PortNeed interface_need(const Config::Capture& capture, const std::string& name,
                        const Facts& facts) {
    PortNeed port{.capture = capture.name,
                  .device = name,
                  .queues = capture.queues,
                  .rx_ring = capture.rx_ring,
                  .frame_octets = capture.frame_octets,
                  .busy_poll = capture.busy_poll == Config::Switch::on};
    const Interface* const interface = facts.interface(name);
    if (interface == nullptr) {
        return port;
    }
    port.node = interface->node;
    port.queues = port.queues != 0 ? port.queues : interface->rx_queues;
    if (port.rx_ring == 0) {
        const std::uint64_t speed = interface->is_virtual ? 0 : interface->driver.speed_bits;
        port.rx_ring =
            xdp::computed_ring(speed, std::max(port.queues, 1U), capture.frame_octets).descriptors;
    }
    return port;
}

void add_port(const Config::Capture& capture, const Facts& facts, Needs& needs) {
    const std::string& source = capture.source;
    needs.dpdk = needs.dpdk || source.starts_with("dpdk:") || source.starts_with(pci_scheme);
    if (source.starts_with(pci_scheme)) {
        const std::string address = source.substr(pci_scheme.size());
        const PciDevice* const device = facts.pci_device(address);
        needs.ports.push_back({.capture = capture.name,
                               .device = address,
                               .by_dpdk = true,
                               .node = device != nullptr ? device->node : -1,
                               .queues = capture.queues,
                               .rx_ring = capture.rx_ring});
    } else if (source.starts_with(xdp_scheme) || !has_scheme(source)) {
        const bool named = source.starts_with(xdp_scheme);
        needs.ports.push_back(
            interface_need(capture, named ? source.substr(xdp_scheme.size()) : source, facts));
    }
}

// The node of the first port that has one: buses and memory of the others are farther away.
unsigned home_node(const Needs& needs) {
    const auto port =
        std::ranges::find_if(needs.ports, [](const PortNeed& p) { return p.node >= 0; });
    return port == needs.ports.end() ? 0 : static_cast<unsigned>(port->node);
}

// One core for each worker on the ports' node, first those that share nothing with another.
CoreList proposed_cores(const Needs& needs, const Facts& facts) {
    const CoreList house = house_cores(facts);
    const unsigned home = home_node(needs);
    CoreList first;
    CoreList siblings;
    for (const Core& core : facts.cores) {
        if (core.node == home && !contains(house, core.number)) {
            CoreList& where = both(core.siblings, first).empty() ? first : siblings;
            where.push_back(core.number);
        }
    }
    first.insert(first.end(), siblings.begin(), siblings.end());
    first.resize(std::min<std::size_t>(first.size(), needs.workers));
    std::ranges::sort(first);
    return first;
}

void add_memory(const Config& config, const Facts& facts, Needs& needs) {
    if (config.memory.hugepages == Config::Switch::off) {
        return;
    }
    const std::uint64_t table = flow::FlowTable::octets_for(
        config.flow.flows_max, config.analytics.tcp ? sizeof(flow::TcpQuality) : 0);
    for (std::uint32_t worker = 0; worker < needs.workers; ++worker) {
        const Core* const core =
            worker < needs.worker_cores.size() ? facts.core(needs.worker_cores[worker]) : nullptr;
        needs.huge_octets[core != nullptr ? core->node : home_node(needs)] +=
            (table + huge_page_octets - 1) / huge_page_octets * huge_page_octets;
    }
    if (needs.dpdk) {
        needs.huge_octets[home_node(needs)] += config.memory.dpdk_octets;
    }
}

}  // namespace

Needs needs_of(const Config& config, std::uint32_t workers, const Facts& facts) {
    Needs needs{.workers = workers, .worker_cores = config.workers.cores};
    needs.huge_pages_demanded = config.memory.hugepages == Config::Switch::on;
    for (const Config::Capture& capture : config.captures) {
        add_port(capture, facts, needs);
    }
    if (needs.worker_cores.empty()) {
        needs.cores_are_proposed = true;
        needs.worker_cores = proposed_cores(needs, facts);
    }
    add_memory(config, facts, needs);
    return needs;
}

CoreList house_cores(const Facts& facts) {
    const Core* const first = facts.core(0);
    if (first == nullptr) {
        return {};
    }
    return first->siblings.empty() ? CoreList{0} : first->siblings;
}

std::vector<HugePageNeed> huge_page_needs(const Needs& needs, const Facts& facts) {
    std::vector<HugePageNeed> result;
    for (const auto& [node, octets] : needs.huge_octets) {
        HugePageNeed need{.node = node,
                          .needed = (octets + huge_page_octets - 1) / huge_page_octets};
        for (const HugePages& pages : facts.huge_pages) {
            if (pages.node == node && pages.page_octets == huge_page_octets) {
                need.free = pages.free;
                need.total = pages.total;
            }
        }
        result.push_back(need);
    }
    return result;
}

std::uint32_t ring_wanted(const DriverAnswers& driver, std::uint32_t queues) {
    const std::uint64_t frames = frames_to_absorb(driver.speed_bits, std::max(queues, 1U));
    const std::uint64_t wanted = std::max<std::uint64_t>(std::bit_ceil(frames), 1'024);
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, driver.rx_ring_max));
}

}  // namespace tapmeter::machine
