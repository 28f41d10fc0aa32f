#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "src/config/config.h"
#include "src/machine/facts.h"
#include "src/machine/tree.h"

namespace tapmeter::machine::testing {

// A folder that looks like /proc and /sys of a machine; gone with the object.
class FakeRoot {
public:
    FakeRoot() {
        std::string pattern = (std::filesystem::temp_directory_path() / "machine.XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    FakeRoot(const FakeRoot&) = delete;
    FakeRoot& operator=(const FakeRoot&) = delete;
    ~FakeRoot() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    FakeRoot& file(const std::string& path, const std::string& text) {
        const auto at = path_ / std::filesystem::path(path).relative_path();
        std::filesystem::create_directories(at.parent_path());
        std::ofstream(at) << text << "\n";
        return *this;
    }
    FakeRoot& folder(const std::string& path) {
        std::filesystem::create_directories(path_ / std::filesystem::path(path).relative_path());
        return *this;
    }
    FakeRoot& link(const std::string& path, const std::string& target) {
        const auto at = path_ / std::filesystem::path(path).relative_path();
        std::filesystem::create_directories(at.parent_path());
        std::filesystem::create_symlink(target, at);
        return *this;
    }
    Tree tree() const { return Tree(path_); }

private:
    std::filesystem::path path_;
};

// Two sockets of four cores with two threads each, nothing prepared: what a server looks like
// fresh from the installer. A 100G card with the kernel's driver on node 1, and an interface of it.
inline void install_server(FakeRoot& root) {
    const std::string cpus = "/sys/devices/system/cpu";
    root.file(cpus + "/online", "0-15").file(cpus + "/isolated", "");
    root.file(cpus + "/intel_pstate/no_turbo", "0");
    for (unsigned core = 0; core < 16; ++core) {
        const std::string cpu = cpus + "/cpu" + std::to_string(core);
        root.file(cpu + "/topology/thread_siblings_list",
                  std::to_string(core % 8) + "," + std::to_string(core % 8 + 8));
        root.folder(cpu + "/node" + std::to_string(core % 8 / 4));
        root.file(cpu + "/cpufreq/scaling_governor", "powersave");
        root.file(cpu + "/cpuidle/state0/name", "POLL").file(cpu + "/cpuidle/state0/latency", "0");
        root.file(cpu + "/cpuidle/state1/name", "C6").file(cpu + "/cpuidle/state1/latency", "133");
        root.file(cpu + "/cpuidle/state0/disable", "0").file(cpu + "/cpuidle/state1/disable", "0");
    }
    for (const std::string node : {"node0", "node1"}) {
        const std::string pages =
            "/sys/devices/system/node/" + node + "/hugepages/hugepages-2048kB";
        root.file(pages + "/nr_hugepages", "10").file(pages + "/free_hugepages", "4");
    }
    root.file("/proc/sys/kernel/osrelease", "6.1.0-18-amd64");
    root.file("/proc/cmdline", "BOOT_IMAGE=/vmlinuz quiet");
    root.file("/proc/self/limits",
              "Limit  Soft Limit  Hard Limit  Units\n"
              "Max locked memory         8388608              8388608              bytes");
    root.file("/proc/self/status", "Name:\ttapmeter\nCapEff:\t0000000000000000");
    root.file("/proc/irq/24/smp_affinity_list", "0-15").folder("/proc/irq/24/nvme0q1");
    root.file("/proc/irq/25/smp_affinity_list", "0-15").folder("/proc/irq/25/eth9-rx-0");
    root.file("/proc/irq/26/smp_affinity_list", "0-15");  // nobody handles it
    root.file("/proc/77/comm", "irqbalance");
    const std::string net = "/sys/class/net/eth9";
    root.file(net + "/operstate", "up").file(net + "/mtu", "1500");
    root.file(net + "/device/numa_node", "1").folder(net + "/queues/rx-0");
    root.folder(net + "/queues/rx-1").folder(net + "/queues/tx-0");
    root.file(net + "/napi_defer_hard_irqs", "0").file(net + "/gro_flush_timeout", "0");
    const std::string card = "/sys/bus/pci/devices/0000:17:00.0";
    root.file(card + "/class", "0x020000").file(card + "/numa_node", "1");
    root.file(card + "/driver_override", "(null)").link(card + "/driver", "../drivers/ice");
    root.file("/sys/bus/pci/devices/0000:00:1f.0/class", "0x060100");
}

// What its driver answers: a ring of 512 of at most 8,192 and GRO, at 100 Gbit/s.
inline DriverAnswers fast_card(const std::string& interface) {
    return interface == "eth9" ? DriverAnswers{.rx_ring = 512,
                                               .rx_ring_max = 8'192,
                                               .speed_bits = 100'000'000'000,
                                               .gro = true}
                               : DriverAnswers{};
}

inline Config capturing(const std::string& source, std::vector<unsigned> cores = {}) {
    Config config;
    Config::Capture capture;
    capture.name = "p0";
    capture.source = source;
    config.captures.push_back(capture);
    config.workers.cores = std::move(cores);
    config.flow.flows_max = 1'024;
    return config;
}

}  // namespace tapmeter::machine::testing
