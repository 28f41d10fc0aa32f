#include "src/metrics/overall.h"

#include <algorithm>

#include "src/metrics/totals.h"

namespace tapmeter::metrics {

Overall overall(const Snapshot& snapshot) {
    const WorkerBooks all = all_workers(snapshot);
    Overall result{.state = static_cast<LoadState>(all.load_state), .causes = {}};
    for (std::size_t cause = 0; cause < load_causes; ++cause) {
        if (((all.load_causes >> cause) & 1U) != 0) {
            result.causes.push_back(load_cause_names[cause]);
        }
    }
    // Steering spreads the packets again, whatever the port's queues do.
    const bool skewed =
        !snapshot.steered && std::ranges::any_of(snapshot.interfaces, [&](const auto& interface) {
            return interface.queue_skew >= snapshot.queue_skew_warm;
        });
    if (skewed) {
        result.state = std::max(result.state, LoadState::warm);
        result.causes.push_back(queue_skew_cause);
    }
    return result;
}

}  // namespace tapmeter::metrics
