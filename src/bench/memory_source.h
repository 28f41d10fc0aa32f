#pragma once

#include <atomic>

#include "pipeline/base/clock.h"
#include "pipeline/base/counter.h"
#include "pipeline/base/source.h"
#include "src/bench/stopwatch.h"
#include "src/bench/traffic.h"

namespace tapmeter::bench {

// Plays traffic that lies in memory, over and over, as fast as it is asked for. Nothing is copied:
// a burst is views on the frames. The frame of the packet one burst ahead is asked of memory while
// this burst's views are made, as a NIC would have put it into the last level cache by itself.
class MemorySource final : public PacketSource {
public:
    struct Options {
        // The time of packets, read once a burst. Null: packets are gap apart, from one second on.
        const LiveClock* clock = nullptr;  // outlives the source
        Nanoseconds gap{67};               // 64-octet frames at 10 Gbit/s
        std::uint64_t packets_max = 0;     // then exhausted; 0: without end
    };
    MemorySource(Traffic& traffic, const Options& options) noexcept;

    void receive(Burst& burst) noexcept override;
    void release() noexcept override {}
    SourceCounters counters() const noexcept override {
        return {.received = {packets_.read()}, .received_octets = {octets_.read()}};
    }
    std::string describe() const override { return "memory"; }
    bool exhausted() const noexcept override {
        return options_.packets_max != 0 && packets_.read() >= options_.packets_max;
    }

    // Any thread: no packet comes any more.
    void stop() noexcept { stopped_.store(true, std::memory_order_relaxed); }
    // Any thread: the flow table holds what this traffic lets it hold.
    bool warm() const noexcept { return packets_.read() >= traffic_.warm_packets(); }
    Stopwatch& stopwatch() noexcept { return stopwatch_; }

private:
    std::size_t allowed() const noexcept;
    void begin_pass() noexcept;

    Traffic& traffic_;  // outlives the source, is its alone
    Options options_;
    std::size_t next_ = 0;
    ObservedAt time_{std::chrono::seconds(1)};
    Stopwatch stopwatch_;
    Counter packets_;
    Counter octets_;
    std::atomic<bool> stopped_{false};
};

}  // namespace tapmeter::bench
