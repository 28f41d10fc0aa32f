#pragma once

#include <utility>

#include "pipeline/worker.h"
#include "src/bench/made_traffic.h"
#include "src/bench/memory_source.h"

namespace tapmeter::bench::testing {

// Traffic small enough for a test.
inline Traffic small_traffic(TrafficRequest::Kind kind, std::uint64_t flows,
                             std::uint64_t packets) {
    return std::move(*make_traffic({.kind = kind,
                                    .flows = flows,
                                    .frame_size = 64,
                                    .file = {},
                                    .packets_min = packets,
                                    .worker = 0}));
}

// A real worker with table and ring on a source; whoever tests empties the ring, in its thread.
class InMemoryWorker {
public:
    InMemoryWorker(PacketSource& source, std::size_t flows_max, const LiveClock* clock = nullptr)
        : ring_(8'192),
          worker_(
              {.source = source,
               .ring = ring_,
               .clock = clock,
               .table = std::move(*flow::FlowTable::make(
                   {.flows_max = flows_max, .pages = Region::Wanted::automatic, .populate = true})),
               .hash_key = {1, 2},
               .timeouts = {.idle = std::chrono::seconds(30),
                            .active = std::chrono::seconds(60),
                            .tcp_end = std::chrono::milliseconds(20)}}) {}

    // Meters at least so many packets.
    void meter(std::size_t packets) noexcept {
        for (std::size_t done = 0; done < packets;) {
            done += worker_.step();
            empty_ring();
        }
    }
    void empty_ring() noexcept {
        for (auto some = ring_.readable(); !some.empty(); some = ring_.readable()) {
            ring_.consume(some.size());
        }
    }
    Worker& worker() noexcept { return worker_; }

private:
    RecordRing ring_;
    Worker worker_;
};

}  // namespace tapmeter::bench::testing
