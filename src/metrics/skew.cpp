#include "src/metrics/skew.h"

#include <algorithm>
#include <numeric>

namespace tapmeter::metrics {

namespace {

constexpr std::chrono::seconds between_looks{1};
constexpr std::uint64_t packets_per_queue_min = 100;

}  // namespace

double skew_of(std::span<const std::uint64_t> packets_by_queue) noexcept {
    const std::uint64_t all =
        std::accumulate(packets_by_queue.begin(), packets_by_queue.end(), std::uint64_t{0});
    if (packets_by_queue.size() < 2 || all < packets_per_queue_min * packets_by_queue.size()) {
        return 1;
    }
    const auto mean = static_cast<double>(all) / static_cast<double>(packets_by_queue.size());
    return static_cast<double>(std::ranges::max(packets_by_queue)) / mean;
}

std::vector<double> SkewMeter::look(const std::vector<Packets>& packets, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (before_.empty()) {
        before_ = packets;
        for (Packets& queues : before_) {
            std::ranges::fill(queues, 0);
        }
        skews_.assign(packets.size(), 1);
    } else if (now - at_ < between_looks) {
        return skews_;
    }
    for (std::size_t i = 0; i < packets.size(); ++i) {
        Packets meanwhile = packets[i];
        std::ranges::transform(meanwhile, before_[i], meanwhile.begin(), std::minus{});
        skews_[i] = skew_of(meanwhile);
    }
    before_ = packets;
    at_ = now;
    return skews_;
}

}  // namespace tapmeter::metrics
