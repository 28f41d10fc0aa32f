#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

namespace tapmeter::metrics {

// The busiest queue's packets relative to the mean of all queues: 1 where all have the same, as
// many as there are queues where one has everything. 1 as well for a single queue, and where there
// are too few packets to tell chance from skew.
double skew_of(std::span<const std::uint64_t> packets_by_queue) noexcept;

// The skew of each interface's queues between two looks at their counters, at least a second
// apart; looks in between get the answer of the last. Any thread.
class SkewMeter {
public:
    using Clock = std::chrono::steady_clock;
    using Packets = std::vector<std::uint64_t>;  // received since the start, by queue

    // packets  of each interface, the same interfaces and queues at every look
    // returns  the skew of each interface
    std::vector<double> look(const std::vector<Packets>& packets, Clock::time_point now);

private:
    std::mutex mutex_;  // of what follows; control side only
    std::vector<Packets> before_;
    std::vector<double> skews_;
    Clock::time_point at_{};
};

}  // namespace tapmeter::metrics
