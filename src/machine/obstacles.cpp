#include "src/machine/obstacles.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "src/machine/plan.h"
#include "xdp/umem.h"

namespace tapmeter::machine {

namespace {

using Verdict = Finding::Verdict;

// Linux 5.18 carries all that AF_XDP here needs; 6.6 frames of several pieces.
constexpr unsigned xdp_major = 5;
constexpr unsigned xdp_minor = 18;
constexpr unsigned pieces_major = 6;
constexpr unsigned pieces_minor = 6;
// Ethernet header and two VLAN tags, which the MTU does not count.
constexpr std::uint32_t link_layer_octets = 14 + 2 * 4;

std::string mebibytes(std::uint64_t octets) {
    return std::to_string((octets + (std::uint64_t{1} << 20U) - 1) >> 20U) + " MiB";
}

class Look {
public:
    Look(const Needs& needs, const Facts& facts)
        : needs_(needs), facts_(facts), steps_(plan_setup(needs, facts)) {}

    std::vector<Finding> all() {
        huge_pages();
        cores();
        isolation();
        interrupts();
        for (const PortNeed& port : needs_.ports) {
            node_of(port);
            queues_of(port);
            if (port.by_dpdk) {
                binding_of(port);
            } else if (const Interface* const interface = facts_.interface(port.device)) {
                interface_of(port, *interface);
            }
        }
        locked_memory();
        return std::move(findings_);
    }

private:
    void add(std::string what, std::string found, Verdict verdict, std::string cure = "") {
        findings_.push_back({std::move(what), std::move(found), verdict, std::move(cure)});
    }

    // The cure that setup knows, by topic, and the line it would run first.
    std::string setup(std::string_view topic) const {
        const auto first = std::ranges::find(steps_, topic, &Step::topic);
        if (first == steps_.end()) {
            return "";
        }
        const auto count = std::ranges::count(steps_, topic, &Step::topic);
        if (first->how == Step::How::reboot || first->how == Step::How::by_hand) {
            return "`tapmeter setup` prints how: " + first->line();
        }
        return "tapmeter setup --apply " + std::string(topic) + "   (or: " + first->line() +
               (count > 1 ? ", and " + std::to_string(count - 1) + " more)" : ")");
    }

    void huge_pages() {
        for (const HugePageNeed& need : huge_page_needs(needs_, facts_)) {
            const std::string found = "need " + mebibytes(need.needed * huge_page_octets) +
                                      ", free " + mebibytes(need.free * huge_page_octets) + " of " +
                                      mebibytes(need.total * huge_page_octets);
            const std::string what = "hugepages, NUMA node " + std::to_string(need.node);
            if (need.free >= need.needed) {
                add(what, found, Verdict::ok);
            } else {
                add(what, found, needs_.huge_pages_demanded ? Verdict::blocker : Verdict::warning,
                    setup("hugepages"));
            }
        }
    }

    CoreList with_topic(std::string_view topic) const {
        CoreList found;
        for (const unsigned core : needs_.worker_cores) {
            const std::string folder = "/cpu" + std::to_string(core) + "/";
            const bool named = std::ranges::any_of(steps_, [&](const Step& step) {
                return step.topic == topic && step.path.find(folder) != std::string::npos;
            });
            if (named) {
                found.push_back(core);
            }
        }
        return found;
    }

    void cores() {
        if (needs_.cores_are_proposed) {
            const std::string proposal = text_of(needs_.worker_cores);
            add("workers.cores", "not set: the kernel moves workers about", Verdict::warning,
                proposal.empty() ? "this machine has no core to spare for a worker"
                                 : "set workers.cores = \"" + proposal + "\"");
        }
        if (const CoreList slow = with_topic("governor"); !slow.empty()) {
            add("cpu governor",
                "\"" + facts_.core(slow.front())->governor + "\" on cores " + text_of(slow),
                Verdict::warning, setup("governor"));
        }
        if (const CoreList sleepy = with_topic("sleep"); !sleepy.empty()) {
            add("sleep states", "cores " + text_of(sleepy) + " may sleep deeply", Verdict::warning,
                setup("sleep"));
        }
        if (facts_.turbo) {
            add("turbo", *facts_.turbo ? "on: rates depend on how warm the machine is" : "off",
                Verdict::ok);
        }
        shared_cores();
    }

    // Two workers on two threads of one core share its execution units and its caches.
    void shared_cores() {
        for (const unsigned number : needs_.worker_cores) {
            const Core* const core = facts_.core(number);
            const CoreList pair =
                core != nullptr ? both(core->siblings, needs_.worker_cores) : CoreList{};
            if (pair.size() > 1 && pair.front() == number) {
                add("SMT siblings", "workers on cores " + text_of(pair) + " share one real core",
                    Verdict::warning,
                    "leave all but core " + std::to_string(number) +
                        " of them out of workers.cores");
            }
        }
    }

    void isolation() {
        struct Kind {
            std::string_view parameter;
            const CoreList& cores;
            std::string_view else_;
        };
        const std::array kinds{
            Kind{"isolcpus", facts_.isolated, "expect bursts of loss under load"},
            Kind{"nohz_full", facts_.tickless, "a timer tick stops each worker"},
            Kind{"rcu_nocbs", facts_.offloaded, "the kernel's deferred work runs there"}};
        if (needs_.worker_cores.empty()) {
            return;
        }
        for (const Kind& kind : kinds) {
            const CoreList bare = without(needs_.worker_cores, kind.cores);
            const std::string what = "isolation, " + std::string(kind.parameter);
            if (bare.empty()) {
                add(what, "cores " + text_of(needs_.worker_cores), Verdict::ok);
                continue;
            }
            add(what, "not cores " + text_of(bare) + ": " + std::string(kind.else_),
                Verdict::warning, "`tapmeter setup` prints the kernel command line");
        }
    }

    void interrupts() {
        const auto writes = [](const Step& step) {
            return step.topic == "interrupts" && step.path.starts_with("/proc/irq/");
        };
        const auto count = std::ranges::count_if(steps_, writes);
        if (count != 0) {
            add("interrupts", std::to_string(count) + " may be served on the workers' cores",
                Verdict::warning, setup("interrupts"));
        }
        if (facts_.irqbalance) {
            add("irqbalance", "runs, and moves interrupts to idle-looking cores", Verdict::warning,
                "systemctl disable --now irqbalance");
        }
    }

    void node_of(const PortNeed& port) {
        if (port.node < 0 || needs_.cores_are_proposed) {
            return;
        }
        CoreList far;
        for (const unsigned number : needs_.worker_cores) {
            const Core* const core = facts_.core(number);
            if (core != nullptr && core->node != static_cast<unsigned>(port.node)) {
                far.push_back(number);
            }
        }
        const std::string what = "capture \"" + port.capture + "\": NUMA";
        const std::string node = "port on node " + std::to_string(port.node);
        if (far.empty()) {
            add(what, node + ", workers too", Verdict::ok);
        } else {
            add(what, node + ", workers on cores " + text_of(far) + " are not", Verdict::warning,
                "choose workers.cores on node " + std::to_string(port.node) +
                    " (lscpu shows which), or another slot for the card");
        }
    }

    void queues_of(const PortNeed& port) {
        const std::string what = "capture \"" + port.capture + "\": queues";
        if (port.queues != 0 && port.queues < needs_.workers && needs_.ports.size() == 1) {
            add(what,
                std::to_string(port.queues) + " for " + std::to_string(needs_.workers) +
                    " workers: one core polls and hands packets on",
                Verdict::warning,
                port.by_dpdk ? "raise capture." + port.capture + ".queues"
                             : "ethtool -L " + port.device + " combined " +
                                   std::to_string(needs_.workers) + ", or lower workers.count");
        }
    }

    void binding_of(const PortNeed& port) {
        const std::string what = "capture \"" + port.capture + "\": driver";
        const PciDevice* const device = facts_.pci_device(port.device);
        if (device == nullptr) {
            add(what, "there is no network device " + port.device, Verdict::blocker,
                "tapmeter devices lists those that there are");
            return;
        }
        const std::string driver = device->driver.empty() ? "no driver" : device->driver;
        if (const std::string cure = setup("binding"); !cure.empty()) {
            add(what, port.device + " is bound to " + driver, Verdict::blocker, cure);
            return;
        }
        add(what, driver, Verdict::ok);
    }

    void interface_of(const PortNeed& port, const Interface& interface) {
        const std::string what = "capture \"" + port.capture + "\": ";
        if (!facts_.kernel_at_least(xdp_major, xdp_minor)) {
            add(what + "kernel", facts_.kernel + " is too old for AF_XDP here", Verdict::blocker,
                "Linux 5.18 or later");
        }
        const std::uint32_t frame = interface.mtu + link_layer_octets;
        const std::uint32_t room = port.frame_octets - xdp::headroom_octets;
        if (frame > room && !facts_.kernel_at_least(pieces_major, pieces_minor)) {
            add(what + "MTU",
                std::to_string(interface.mtu) + ": frames of " + std::to_string(frame) +
                    " octets do not fit buffers of " + std::to_string(room),
                Verdict::warning,
                port.frame_octets < 4'096 ? "capture." + port.capture + ".frame_octets = 4096"
                                          : "Linux 6.6 or later takes them in pieces");
        }
        add(what + "rx_ring",
            std::to_string(port.rx_ring) + " descriptors a queue, " +
                mebibytes(2ULL * port.rx_ring * port.frame_octets) + " of frames",
            Verdict::ok);
        driver_of(port, interface);
    }

    void driver_of(const PortNeed& port, const Interface& interface) {
        const std::string what = "capture \"" + port.capture + "\": ";
        const auto is_of_port = [&](const Step& step) {
            return std::ranges::find(step.words, port.device) != step.words.end() ||
                   step.path.find("/" + port.device + "/") != std::string::npos;
        };
        const auto lacks = [&](std::string_view topic) {
            return std::ranges::any_of(
                steps_, [&](const Step& step) { return step.topic == topic && is_of_port(step); });
        };
        if (lacks("rings")) {
            add(what + "ring of the NIC",
                std::to_string(interface.driver.rx_ring) + " of at most " +
                    std::to_string(interface.driver.rx_ring_max) + " descriptors",
                Verdict::warning, setup("rings"));
        }
        if (lacks("offloads")) {
            add(what + "offloads",
                std::string(interface.driver.gro ? "GRO " : "") +
                    (interface.driver.lro ? "LRO " : "") + "on: merged packets count as one",
                Verdict::warning, setup("offloads"));
        }
        if (lacks("interrupts")) {
            add(what + "busy_poll", "the NIC's interrupts do not hold back", Verdict::warning,
                setup("interrupts"));
        }
    }

    void locked_memory() {
        std::uint64_t largest = 0;
        for (const PortNeed& port : needs_.ports) {
            const std::uint64_t frames = std::uint64_t{2} * port.rx_ring * port.frame_octets;
            largest = std::max(largest, port.by_dpdk ? 0 : frames);
        }
        if (largest > facts_.lock_octets_max && !facts_.may_lock) {
            add("locked memory",
                "a queue's frames are " + mebibytes(largest) + ", the limit is " +
                    mebibytes(facts_.lock_octets_max),
                Verdict::blocker,
                "LimitMEMLOCK=infinity in the unit, or CAP_IPC_LOCK, or a lower rx_ring");
        }
    }

    const Needs& needs_;
    const Facts& facts_;
    const std::vector<Step> steps_;
    std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> find_obstacles(const Needs& needs, const Facts& facts) {
    return Look(needs, facts).all();
}

}  // namespace tapmeter::machine
