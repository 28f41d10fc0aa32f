#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tapmeter::bench {

// The machine and the build that a result belongs to: without them it cannot be repeated.
struct Machine {
    struct Cache {
        std::string type;  // "Data", "Instruction", "Unified"
        unsigned level = 0;
        std::uint64_t octets = 0;
        unsigned sharing = 1;  // cores
    };
    std::string cpu;  // model name
    unsigned cores = 0;
    bool virtual_machine = false;
    double tsc_gigahertz = 0;  // of cycles_now(), measured; 0 where nobody measured
    std::string governor;      // "performance"; "unknown" where the kernel does not say
    unsigned numa_nodes = 1;
    std::uint64_t huge_pages = 0;  // of 2 MB, reserved
    std::uint64_t huge_pages_free = 0;
    std::string transparent_huge_pages;  // "madvise"
    std::string isolated_cores;          // "2-9"; empty: none
    std::string kernel;
    std::string compiler;
    std::string build;  // "release", "without optimisation", "sanitizers"
    std::vector<Cache> caches;
    std::vector<double> load;  // averages of 1, 5 and 15 minutes
    std::string host;
};

// Reads what proc and sys under `root` say; what they do not say stays "unknown". Takes 20 ms: the
// time stamp counter is compared with the clock.
Machine read_machine(const std::filesystem::path& root = "/");

}  // namespace tapmeter::bench
