#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "pipeline/base/result.h"

namespace tapmeter::dpdk {

// Where packet buffers live. Huge pages spare the TLB and a NIC bound to uio needs them; ordinary
// pages are enough for virtual devices.
enum class Hugepages : std::uint8_t { automatic, on, off };

inline constexpr std::uint64_t memory_octets_min = std::uint64_t{64} << 20U;
inline constexpr std::uint64_t memory_octets_max = std::uint64_t{1} << 40U;

// Huge pages of all sizes together, in octets.
struct HugepagesHeld {
    std::uint64_t total = 0;
    std::uint64_t free = 0;
};

// Reads what the kernel has reserved. `sys` is replaced by tests.
HugepagesHeld read_hugepages(const std::filesystem::path& sys = "/sys/kernel/mm/hugepages");

struct MemoryPlan {
    bool hugepages = false;
    std::string reason;  // for the operator: what is used and why
};

// Automatic takes huge pages when `octets` of them are free, and says what it does without. `on`
// without enough of them is an error that names the number of pages to reserve.
Result<MemoryPlan> plan_memory(Hugepages wanted, std::uint64_t octets, const HugepagesHeld& held);

}  // namespace tapmeter::dpdk
