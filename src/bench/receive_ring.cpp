#include "src/bench/receive_ring.h"

#include <algorithm>

#include "pipeline/base/expects.h"

namespace tapmeter::bench {

std::size_t ReceiveRing::available(Nanoseconds now) noexcept {
    const std::int64_t rate = rate_.load(std::memory_order_relaxed);
    if (rate != rate_now_) [[unlikely]] {
        arrive(now);  // what the old rate owes until now
        rate_now_ = rate;
        began_ = now;
        arrived_ = 0;
        followed_.store(rate, std::memory_order_release);
    }
    if (rate == endless) {
        return burst_packets_max;
    }
    arrive(now);
    return std::min<std::uint64_t>(waiting_.read(), burst_packets_max);
}

void ReceiveRing::arrive(Nanoseconds now) noexcept {
    if (rate_now_ <= silent) {
        return;
    }
    constexpr double seconds_per_ns = 1e-9;
    const auto due = static_cast<std::uint64_t>(static_cast<double>((now - began_).count()) *
                                                seconds_per_ns * static_cast<double>(rate_now_));
    const std::uint64_t fresh = due - std::min(due, arrived_);
    const std::uint64_t room = slots_ - std::min<std::uint64_t>(slots_, waiting_.read() + held_);
    arrived_ = std::max(due, arrived_);
    waiting_.add(std::min(fresh, room));
    dropped_.add(fresh - std::min(fresh, room));
}

void ReceiveRing::take(std::size_t packets) noexcept {
    held_ = packets;
    if (rate_now_ != endless) {
        expects(packets <= waiting_.read());
        waiting_.set(waiting_.read() - packets);
    }
}

}  // namespace tapmeter::bench
