#include "dpdk/eal_memory.h"

#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>

namespace tapmeter::dpdk {

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
constexpr std::uint64_t hugepage_octets = 2 * mebibyte;

std::optional<std::uint64_t> number_at_start(std::string_view text) {
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    return parsed.ec == std::errc{} ? std::optional(value) : std::nullopt;
}

std::uint64_t read_count(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return number_at_start(line).value_or(0);
}

std::string mebibytes(std::uint64_t octets) {
    return std::to_string(octets / mebibyte) + " MiB";
}

std::string pages_to_reserve(std::uint64_t octets) {
    return std::to_string((octets + hugepage_octets - 1) / hugepage_octets);
}

}  // namespace

HugepagesHeld read_hugepages(const std::filesystem::path& sys) {
    HugepagesHeld held;
    std::error_code error;
    // One folder a page size: hugepages-2048kB.
    for (const auto& folder : std::filesystem::directory_iterator(sys, error)) {
        const std::string name = folder.path().filename().string();
        constexpr std::string_view prefix = "hugepages-";
        if (!name.starts_with(prefix)) {
            continue;
        }
        const auto kibibytes = number_at_start(std::string_view(name).substr(prefix.size()));
        const std::uint64_t octets = kibibytes.value_or(0) * 1024;
        held.total += read_count(folder.path() / "nr_hugepages") * octets;
        held.free += read_count(folder.path() / "free_hugepages") * octets;
    }
    return held;
}

Result<MemoryPlan> plan_memory(Hugepages wanted, std::uint64_t octets, const HugepagesHeld& held) {
    if (octets < memory_octets_min || octets > memory_octets_max) {
        return failed(Error::Kind::invalid_config,
                      "memory for DPDK: " + std::to_string(octets) + " octets: must be " +
                          mebibytes(memory_octets_min) + " to " + mebibytes(memory_octets_max));
    }
    if (wanted == Hugepages::off) {
        return MemoryPlan{false, mebibytes(octets) + " of ordinary pages, as configured"};
    }
    const std::string have = mebibytes(held.free) + " of huge pages are free (" +
                             mebibytes(held.total) + " reserved), " + mebibytes(octets) +
                             " are needed";
    if (held.free >= octets) {
        return MemoryPlan{true, "huge pages: " + have};
    }
    if (wanted == Hugepages::automatic) {
        return MemoryPlan{false, mebibytes(octets) + " of ordinary pages: " + have};
    }
    return failed(Error::Kind::no_memory,
                  "memory for DPDK: hugepages = on, but " + have +
                      "; reserve them with: sysctl -w vm.nr_hugepages=" + pages_to_reserve(octets) +
                      ", or set hugepages = \"auto\"");
}

}  // namespace tapmeter::dpdk
