#pragma once

#include "pipeline/base/clock.h"
#include "pipeline/base/counter.h"
#include "pipeline/base/source.h"
#include "src/bench/receive_ring.h"
#include "src/bench/stopwatch.h"
#include "src/bench/traffic.h"

namespace tapmeter::bench {

// Plays traffic that lies in memory, over and over, as fast as it is asked for. Nothing is copied:
// a burst is views on the frames. The frame of the packet one burst ahead is asked of memory while
// this burst's views are made, as a NIC would have put it into the last level cache by itself.
// With a rate set at its receive ring, packets arrive by the clock and are lost where they find
// the ring full.
class MemorySource final : public PacketSource {
public:
    struct Options {
        // The time of packets, read once a burst. Null: packets are gap apart, from one second on.
        const LiveClock* clock = nullptr;  // outlives the source
        Nanoseconds gap{67};               // 64-octet frames at 10 Gbit/s
        std::uint64_t packets_max = 0;     // then exhausted; 0: without end
        std::uint32_t ring_slots = 4'096;  // of the receive ring
    };
    MemorySource(Traffic& traffic, const Options& options) noexcept;

    void receive(Burst& burst) noexcept override;
    void release() noexcept override { ring_.give_back(); }
    SourceCounters counters() const noexcept override {
        return {.received = {packets_.read()}, .received_octets = {octets_.read()}};
    }
    std::string describe() const override { return "memory"; }
    bool exhausted() const noexcept override {
        return options_.packets_max != 0 && packets_.read() >= options_.packets_max;
    }

    // Any thread: no packet comes any more; what waits in the ring is still to be had.
    void stop() noexcept { ring_.set_rate(ReceiveRing::silent); }
    // Any thread: the flow table holds what this traffic lets it hold.
    bool warm() const noexcept { return packets_.read() >= traffic_.warm_packets(); }
    ReceiveRing& ring() noexcept { return ring_; }
    const ReceiveRing& ring() const noexcept { return ring_; }
    // Polling thread: a reading taken now.
    const Reading& read_here() noexcept {
        stopwatch_.ask();
        stopwatch_.look(packets_.read(), octets_.read());
        return stopwatch_.reading();
    }
    Stopwatch& stopwatch() noexcept { return stopwatch_; }

private:
    std::size_t allowed() noexcept;
    void begin_pass() noexcept;

    Traffic& traffic_;  // outlives the source, is its alone
    Options options_;
    std::size_t next_ = 0;
    ObservedAt time_{std::chrono::seconds(1)};
    Stopwatch stopwatch_;
    ReceiveRing ring_;
    Counter packets_;
    Counter octets_;
};

}  // namespace tapmeter::bench
