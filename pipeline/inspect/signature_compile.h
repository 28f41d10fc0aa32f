#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/base/result.h"
#include "pipeline/inspect/signature_plan.h"

namespace tapmeter::inspect {

// How much a compilation may cost; it runs in a child process of its own, so that no rule can take
// this one down. (RELIABILITY TH-8.)
struct CompileLimits {
    std::chrono::seconds cpu_time{20};                  // 1 and more
    std::size_t memory_octets = std::size_t{2} << 30U;  // on top of what is mapped by now
    std::chrono::seconds wall_time{120};
};

// Databases as octets that hs_deserialize_database() reads, by slot; empty where a slot has none.
struct CompiledSlots {
    std::vector<std::string> literals = std::vector<std::string>(slots);
    std::vector<std::string> expressions = std::vector<std::string>(slots);
    // Expressions that Hyperscan refused, by slot: indices in its plan. Their rules are looked at
    // always.
    std::vector<std::vector<std::uint32_t>> refused =
        std::vector<std::vector<std::uint32_t>>(slots);
    bool from_cache = false;
    std::chrono::milliseconds took{};
};

// Compiles in a limited child process, or takes the result of an earlier time from `cache_folder`
// (empty: none is kept). Control side; starts a process and waits for it.
//
// errors  invalid_config: the compiler hit a limit, or broke; which one, and what to change
//         io: no child process can be started
// A cache that cannot be read or written costs time, not success.
Result<CompiledSlots> compile_scans(const ScanPlan& plan, const CompileLimits& limits,
                                    const std::string& cache_folder);

// What the cache's entry for this plan is called: patterns, library version and CPU make it.
std::string cache_name_of(const ScanPlan& plan);

}  // namespace tapmeter::inspect
