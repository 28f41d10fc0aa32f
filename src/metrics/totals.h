#pragma once

#include <cstdint>
#include <numeric>

#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

template <class Counts>
std::uint64_t sum(const Counts& counts) {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

// Records that left an output's account unsent.
inline std::uint64_t records_dropped(const exporting::OutputCounters& counters) {
    return std::accumulate(
        counters.dropped.begin(), counters.dropped.end(), std::uint64_t{0},
        [](std::uint64_t total, const auto& dropped) { return total + dropped.records; });
}

inline Traffic sum_of(const std::array<Traffic, left_out_reasons>& ignored) {
    return std::accumulate(ignored.begin(), ignored.end(), Traffic{},
                           [](Traffic total, const Traffic& one) { return total += one; });
}

// The accounts of all workers added up; the state is the worst of them.
WorkerBooks all_workers(const Snapshot& snapshot);

// 0 to 1; 0 where there is no whole.
constexpr double ratio(std::uint64_t part, std::uint64_t whole) noexcept {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace tapmeter::metrics
