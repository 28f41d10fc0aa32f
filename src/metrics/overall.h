#pragma once

#include <string_view>
#include <vector>

#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// The state of the whole: the worst of any worker's, and warm at least while a port's queues are
// skewed, because then one worker is full before the others are.
struct Overall {
    LoadState state = LoadState::normal;
    std::vector<std::string_view> causes;  // of any worker's state, and "queue_skew"
};
Overall overall(const Snapshot& snapshot);

inline constexpr std::string_view queue_skew_cause = "queue_skew";

}  // namespace tapmeter::metrics
