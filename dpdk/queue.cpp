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
        const rte_mbuf& mbuf = *mbufs_[i];
        rte_prefetch0(rte_pktmbuf_mtod(&mbuf, const void*));
        forbid_surroundings(mbuf);
        // The peer of a shared-memory device writes both lengths; the larger keeps our promise.
        const std::uint32_t wire_octets = std::max<std::uint32_t>(mbuf.pkt_len, mbuf.data_len);
        burst.packets[i] = {
            .frame = {rte_pktmbuf_mtod(&mbuf, const std::byte*), mbuf.data_len},
            .observed_at = time_of(mbuf, burst_time),
            .wire_octets = wire_octets,
            .observation_point = options_.observation_point,
            .link = LinkType::ethernet,
        };
        octets += wire_octets;
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
