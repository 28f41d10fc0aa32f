#include "dpdk/queue.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <limits>

#include "dpdk/rx_guard.h"
#include "pipeline/base/expects.h"

namespace tapmeter::dpdk {

namespace {

// How many buffers ahead of the one at hand are asked for. Measured with bench/dpdk_receive_bench:
// in a deep ring, whose buffers are cold, 1.0 instead of 1.2 times the time of a bare burst; in a
// shallow one no difference.
constexpr std::size_t buffers_ahead = 4;

// Both cache lines of a buffer's head: where the frame is, and what release() needs.
void ask_for(rte_mbuf* mbuf) noexcept {
    rte_mbuf_prefetch_part1(mbuf);
    rte_mbuf_prefetch_part2(mbuf);
}

// A capture file may claim any time; what does not fit 64 bits of nanoseconds becomes the last one.
ObservedAt from_microseconds(std::uint64_t microseconds) noexcept {
    constexpr std::uint64_t most =
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / 1'000;
    return ObservedAt{Nanoseconds{static_cast<std::int64_t>(std::min(microseconds, most) * 1'000)}};
}

}  // namespace

void Queue::receive(Burst& burst) noexcept {
    expects(held_ == 0);
    held_ = poll();

    // One clock reading for the burst: its packets arrived within the last few microseconds.
    const ObservedAt burst_time = held_ != 0 ? options_.time.clock->now() : ObservedAt{};
    std::uint64_t octets = 0;
    for (std::size_t i = 0; i < held_; ++i) {
        if (i + buffers_ahead < held_) {
            ask_for(mbufs_[i + buffers_ahead]);
        }
        const rte_mbuf& mbuf = *mbufs_[i];
        rte_prefetch0(rte_pktmbuf_mtod(&mbuf, const void*));
        forbid_surroundings(mbuf);
        // Member by member: a packet that is built first and then copied in wider pieces makes the
        // CPU wait for its own stores, 10 ns each.
        Packet& packet = burst.packets[i];
        packet.frame = {rte_pktmbuf_mtod(&mbuf, const std::byte*), mbuf.data_len};
        packet.observed_at = time_of(mbuf, burst_time);
        // The peer of a shared-memory device writes both lengths; the larger keeps our promise.
        packet.wire_octets = std::max<std::uint32_t>(mbuf.pkt_len, mbuf.data_len);
        packet.observation_point = options_.observation_point;
        packet.link = LinkType::ethernet;
        octets += packet.wire_octets;
    }
    burst.count = held_;
    received_.add(held_);
    received_octets_.add(octets);
}

std::uint16_t Queue::poll() noexcept {
    const bool stopped = stopped_.load(std::memory_order_relaxed);
    if (exhausted_ || (stopped && (options_.on_demand || drain_left_ == 0))) [[unlikely]] {
        return 0;
    }
    const std::uint16_t count =
        rte_eth_rx_burst(options_.port, options_.queue, mbufs_.data(), burst_packets_max);
    if (stopped) [[unlikely]] {
        drain_left_ -= std::min<std::uint32_t>(drain_left_, count);
    }
    if (count == 0 && options_.ends) [[unlikely]] {
        look_for_end();
    }
    return count;
}

// net_pcap reads the file as it is asked, so an empty answer means that the file has ended (or is
// broken from here on, which the driver counts as an error), or that the first frame found no
// buffer. The latter raises the port's rx_nombuf before it answers; where that has not risen since
// our last empty answer, this is the end. A rise by another queue only costs one more look.
void Queue::look_for_end() noexcept {
    rte_eth_stats stats{};
    if (rte_eth_stats_get(options_.port, &stats) != 0) {
        return;
    }
    exhausted_ = stats.rx_nombuf == no_buffer_seen_;
    no_buffer_seen_ = stats.rx_nombuf;
}

ObservedAt Queue::time_of(const rte_mbuf& mbuf, ObservedAt burst_time) const noexcept {
    if ((mbuf.ol_flags & options_.time.stamp_flag) == 0) {
        return burst_time;
    }
    return from_microseconds(
        *RTE_MBUF_DYNFIELD(&mbuf, options_.time.stamp_offset, const std::uint64_t*));
}

void Queue::release() noexcept {
    for (std::size_t i = 0; i < held_; ++i) {
        allow_surroundings(*mbufs_[i]);
    }
    rte_pktmbuf_free_bulk(mbufs_.data(), held_);
    held_ = 0;
}

SourceCounters Queue::counters() const noexcept {
    return {.received = {received_.read()}, .received_octets = {received_octets_.read()}};
}

}  // namespace tapmeter::dpdk
