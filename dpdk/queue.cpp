#include "dpdk/queue.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_mempool.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <limits>
#include <span>

#include "dpdk/rx_guard.h"
#include "pipeline/base/expects.h"

namespace tapmeter::dpdk {

namespace {

// Asks for all lines of these buffers that a worker reads: the first one of the head, and the first
// of the frame, where pools put it. A wrong guess about the latter costs one line.
void ask_for(std::span<rte_mbuf* const> mbufs) noexcept {
    for (rte_mbuf* const mbuf : mbufs) {
        rte_mbuf_prefetch_part1(mbuf);
        const void* const buffer = mbuf + 1;
        rte_prefetch0(static_cast<const std::byte*>(buffer) + RTE_PKTMBUF_HEADROOM);
    }
}

// True where a buffer goes back to its pool as it is: the whole frame lies in it, nobody else holds
// it, its memory is its own. Only the first line of its head is looked at: a buffer of one piece
// has no next one (rte_mbuf.h).
bool is_plain(const rte_mbuf& mbuf, const rte_mempool* pool) noexcept {
    return mbuf.pool == pool && mbuf.nb_segs == 1 && rte_mbuf_refcnt_read(&mbuf) == 1 &&
           RTE_MBUF_DIRECT(&mbuf);
}

// A capture file may claim any time; what does not fit 64 bits of nanoseconds becomes the last one.
ObservedAt from_microseconds(std::uint64_t microseconds) noexcept {
    constexpr std::uint64_t most =
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / 1'000;
    return ObservedAt{Nanoseconds{static_cast<std::int64_t>(std::min(microseconds, most) * 1'000)}};
}

}  // namespace

Queue::~Queue() {
    release();
    give_back(ahead_);
}

// Under load the next burst is polled when this one is handed out, so that its lines, which another
// core or the NIC wrote last, come from there while this one is metered. Frames that are made by
// asking for them are near anyway.
void Queue::receive(Burst& burst) noexcept {
    expects(held_.count == 0);
    if (ahead_.count != 0) {
        held_ = ahead_;
        ahead_.count = 0;
    } else {
        poll(held_);
    }
    if (held_.count == burst_packets_max && !options_.on_demand) {
        poll(ahead_);
    }
    std::uint64_t octets = 0;
    for (std::size_t i = 0; i < held_.count; ++i) {
        const rte_mbuf& mbuf = *held_.mbufs[i];
        rte_prefetch0(rte_pktmbuf_mtod(&mbuf, const void*));
        forbid_surroundings(mbuf);
        // Member by member: a packet that is built first and then copied in wider pieces makes the
        // CPU wait for its own stores, 10 ns each.
        Packet& packet = burst.packets[i];
        packet.frame = {rte_pktmbuf_mtod(&mbuf, const std::byte*), mbuf.data_len};
        packet.observed_at = time_of(mbuf, held_.at);
        // The peer of a shared-memory device writes both lengths; the larger keeps our promise.
        packet.wire_octets = std::max<std::uint32_t>(mbuf.pkt_len, mbuf.data_len);
        packet.observation_point = options_.observation_point;
        packet.link = LinkType::ethernet;
        octets += packet.wire_octets;
    }
    burst.count = held_.count;
    received_.add(held_.count);
    received_octets_.add(octets);
}

void Queue::poll(Polled& polled) noexcept {
    polled.count = 0;
    const bool stopped = stopped_.load(std::memory_order_relaxed);
    if (exhausted_ || (stopped && (options_.on_demand || drain_left_ == 0))) [[unlikely]] {
        return;
    }
    polled.count =
        rte_eth_rx_burst(options_.port, options_.queue, polled.mbufs.data(), burst_packets_max);
    if (stopped) [[unlikely]] {
        drain_left_ -= std::min<std::uint32_t>(drain_left_, polled.count);
    }
    if (polled.count != 0) {
        ask_for(std::span{polled.mbufs}.first(polled.count));
        // One clock reading for the burst: its packets arrived within the last few microseconds.
        polled.at = options_.time.clock->now();
    } else if (options_.ends) [[unlikely]] {
        look_for_end();
    }
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
    for (std::size_t i = 0; i < held_.count; ++i) {
        allow_surroundings(*held_.mbufs[i]);
    }
    give_back(held_);
}

void Queue::give_back(Polled& polled) noexcept {
    if (polled.count == 0) {
        return;
    }
    const std::span mbufs{polled.mbufs.data(), polled.count};
    rte_mempool* const pool = mbufs.front()->pool;
    if (std::ranges::all_of(mbufs, [pool](const auto* mbuf) { return is_plain(*mbuf, pool); }))
        [[likely]] {
        // NOLINTNEXTLINE(*-reinterpret-cast): a pool keeps pointers to whatever it is a pool of
        rte_mempool_put_bulk(pool, reinterpret_cast<void**>(mbufs.data()), polled.count);
    } else {
        rte_pktmbuf_free_bulk(mbufs.data(), polled.count);
    }
    polled.count = 0;
}

SourceCounters Queue::counters() const noexcept {
    return {.received = {received_.read()}, .received_octets = {received_octets_.read()}};
}

}  // namespace tapmeter::dpdk
