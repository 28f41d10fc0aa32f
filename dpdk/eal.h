#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dpdk/eal_memory.h"
#include "pipeline/base/result.h"

namespace tapmeter::dpdk {

inline constexpr std::size_t pci_devices_max = 64;

struct EalOptions {
    Hugepages hugepages = Hugepages::automatic;
    std::uint64_t memory_octets = std::uint64_t{256} << 20U;  // 64 MiB to 1 TiB
    // PCI addresses of the captures, "0000:17:00.0"; at most pci_devices_max. Empty: the PCI bus
    // is not even looked at.
    std::vector<std::string> pci_allow;
};

// DPDK's environment: one a process, started once. It brings one lcore, the thread that starts it;
// workers are our own threads and carry a ThreadRegistration. It leaves no files (no shared
// configuration, no telemetry socket) and does not move the calling thread to another CPU.
//
// Order: start_eal, captures, workers; and backwards. Main thread.
class Eal {
public:
    // For start_eal() alone, which has done the work.
    explicit Eal(MemoryPlan plan) : plan_(std::move(plan)) {}
    Eal(const Eal&) = delete;
    Eal& operator=(const Eal&) = delete;
    ~Eal();  // stops

    // Gives all memory back. Every capture must be gone by now (a bug otherwise). A second call
    // does nothing; DPDK cannot be started again in this process.
    void stop() noexcept;

    bool hugepages() const noexcept { return plan_.hugepages; }
    // What was decided about memory and why, for the log and `capabilities`.
    const std::string& memory() const noexcept { return plan_.reason; }
    // What DPDK warned of since its start; empty is usual.
    static std::string warnings();

private:
    MemoryPlan plan_;
    bool stopped_ = false;
};

// errors  invalid_config  a memory size or PCI address that cannot be; or DPDK was started before
//         no_memory       too few huge pages, or the kernel gave no memory
//         io              DPDK refused; the message quotes its log
Result<std::unique_ptr<Eal>> start_eal(const EalOptions& options);

// True between a successful start_eal() and Eal::stop().
bool eal_is_running() noexcept;

// A port that lives inside the environment, so that stop() can tell that all are gone.
class PortLease {
public:
    PortLease() noexcept;
    PortLease(const PortLease&) = delete;
    PortLease& operator=(const PortLease&) = delete;
    ~PortLease();
};

// Makes the calling thread known to DPDK while it lives, which gives it a cache in every buffer
// pool. A worker holds one from before its first receive() until after its last release().
//
// Not fatal where DPDK refuses (more than 128 threads): the thread works without caches, slower.
class ThreadRegistration {
public:
    ThreadRegistration() noexcept;
    ThreadRegistration(const ThreadRegistration&) = delete;
    ThreadRegistration& operator=(const ThreadRegistration&) = delete;
    ~ThreadRegistration();

    bool registered() const noexcept { return registered_; }

private:
    bool registered_ = false;
};

}  // namespace tapmeter::dpdk
