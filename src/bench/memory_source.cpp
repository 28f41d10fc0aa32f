#include "src/bench/memory_source.h"

#include <algorithm>

#include "pipeline/base/prefetch.h"

namespace tapmeter::bench {

MemorySource::MemorySource(Traffic& traffic, const Options& options) noexcept
    : traffic_(traffic), options_(options) {}

void MemorySource::receive(Burst& burst) noexcept {
    stopwatch_.look(packets_.read(), octets_.read());
    if (next_ == traffic_.packets()) {
        begin_pass();
    }
    burst.count = allowed();
    if (options_.clock != nullptr) {
        time_ = options_.clock->now();
    }
    const Nanoseconds gap = options_.clock != nullptr ? Nanoseconds{0} : options_.gap;
    std::uint64_t octets = 0;
    for (std::size_t i = 0; i < burst.count; ++i) {
        const Slot& slot = traffic_.slot(next_ + i);
        prefetch(traffic_.frame(traffic_.slot(next_ + i + burst_packets_max)));
        time_ += gap;
        burst.packets[i] = {.frame = {traffic_.frame(slot), slot.captured_octets},
                            .observed_at = time_,
                            .wire_octets = slot.wire_octets,
                            .observation_point = 0,
                            .link = slot.link};
        octets += slot.wire_octets;
    }
    next_ += burst.count;
    packets_.add(burst.count);
    octets_.add(octets);
}

std::size_t MemorySource::allowed() const noexcept {
    if (stopped_.load(std::memory_order_relaxed)) {
        return 0;
    }
    const std::size_t of_pass = std::min(burst_packets_max, traffic_.packets() - next_);
    return options_.packets_max == 0
               ? of_pass
               : std::min<std::uint64_t>(of_pass, options_.packets_max - packets_.read());
}

void MemorySource::begin_pass() noexcept {
    next_ = 0;
    if (traffic_.renewal() != Renewal::none) {
        stopwatch_.begin_pause();
        traffic_.renew();
        stopwatch_.end_pause();
    }
}

}  // namespace tapmeter::bench
