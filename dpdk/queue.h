#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "pipeline/base/clock.h"
#include "pipeline/base/counter.h"
#include "pipeline/base/source.h"

struct rte_mbuf;

namespace tapmeter::dpdk {

// Most packets that a queue still hands out after stop_arrivals(): more than any receive ring or
// kernel buffer behind one holds, so what waited is drained, and a drain ends under any traffic.
inline constexpr std::uint32_t drain_packets_max = 65'536;

// How frames of a port carry the time of their observation.
struct FrameTime {
    // Where the driver stamps frames (net_pcap in one pass): place of the stamp, in microseconds
    // since 1970, and the flag that says it is there. 0: frames carry none.
    std::size_t stamp_offset = 0;
    std::uint64_t stamp_flag = 0;
    const LiveClock* clock = nullptr;  // for all others: read once a burst; outlives the queue
};

struct QueueOptions {
    std::string name;  // "dpdk net_ring0 queue 3"
    std::uint16_t port = 0;
    std::uint16_t queue = 0;
    std::uint16_t observation_point = 0;
    FrameTime time;
    bool on_demand = false;  // frames are made by asking for them (net_null, net_pcap): none waits
    bool ends = false;       // a capture file read once
};

// One receive queue of a port that dpdk/port.cpp has started. receive, release and exhausted:
// polling core only.
class Queue final : public PacketSource {
public:
    explicit Queue(QueueOptions options) : options_(std::move(options)) {}
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;
    ~Queue() override;

    // A view shows the first buffer of a frame; later ones of a jumbo frame hold payload that
    // nobody decodes, and count in wire_octets.
    void receive(Burst& burst) noexcept override;
    void release() noexcept override;
    SourceCounters counters() const noexcept override;
    std::string describe() const override { return options_.name; }

    // True once a capture file read in one pass has been handed out whole. How it is known: see
    // look_for_end().
    bool exhausted() const noexcept override { return exhausted_ && ahead_.count == 0; }

    // Any thread: a queue that makes frames on demand stops at once, another after what waits.
    void stop_arrivals() noexcept { stopped_.store(true, std::memory_order_relaxed); }

private:
    // Buffers of one poll, and when that was.
    struct Polled {
        std::uint16_t count = 0;
        ObservedAt at{};
        std::array<rte_mbuf*, burst_packets_max> mbufs{};
    };

    void poll(Polled& polled) noexcept;
    static void give_back(Polled& polled) noexcept;
    void look_for_end() noexcept;
    ObservedAt time_of(const rte_mbuf& mbuf, ObservedAt burst_time) const noexcept;

    const QueueOptions options_;
    Polled held_;   // the last burst, not yet released
    Polled ahead_;  // the next burst, where the last one was full: memory is bringing it
    bool exhausted_ = false;
    std::uint32_t drain_left_ = drain_packets_max;
    std::uint64_t no_buffer_seen_ = 0;
    Counter received_;
    Counter received_octets_;
    std::atomic<bool> stopped_{false};
};

}  // namespace tapmeter::dpdk
