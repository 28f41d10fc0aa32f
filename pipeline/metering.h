#pragma once

#include <array>
#include <span>

#include "pipeline/base/packet.h"
#include "pipeline/books.h"
#include "pipeline/flow/expiry.h"
#include "pipeline/flow/flow_hash.h"
#include "pipeline/flow/flow_table.h"
#include "pipeline/flow/meter.h"
#include "pipeline/flow/timeouts.h"
#include "pipeline/record_ring.h"

namespace tapmeter {

// The Metering Process of one worker: its shard of the flow table, the rules of when flows are
// cut and end, and the way of their records into the ring. One core, no locks.
class Metering {
public:
    // Most records that one packet can make: its flow's last record, and that of the flow which
    // makes room for a new one.
    static constexpr std::size_t records_per_packet_max = 2;

    // Everything outlives the metering.
    struct Parts {
        RecordRing& ring;
        WorkerBooks& books;
        flow::FlowTable table;
        flow::FlowHasher hasher;
        flow::Timeouts timeouts;
        std::uint16_t worker = 0;
    };
    explicit Metering(Parts parts) noexcept : parts_(std::move(parts)) {}

    // The next keys of the burst that meter() will be given. Not needed; but the sooner they are
    // known, the sooner memory is asked for what they mean.
    void announce(std::span<const flow::FlowKey> keys) noexcept;

    // Meters a burst: keys[i] and packets[i] belong together; at most burst_packets_max.
    // now   the time that expire() goes by, never falling: packets may be older, not newer
    void meter(std::span<const flow::FlowKey> keys, std::span<const flow::Observation> packets,
               ObservedAt now) noexcept;

    // Cuts and ends what is due at `now`, a share of the table at a time; makes at most
    // `records_max` records.
    void expire(ObservedAt now, std::size_t records_max) noexcept;

    // The end: settles what was due until `end`, then ends every flow with forced_end. Makes as
    // many records as the ring takes. True once the table is empty, else call again.
    bool drain(ObservedAt end) noexcept;

    const flow::FlowTable& table() const noexcept { return parts_.table; }
    std::string_view hash_method() const noexcept { return parts_.hasher.method(); }

private:
    // Where a packet's flow is to be looked for.
    struct Sought {
        FlowHash hash;
        flow::FlowIndex guess;
    };
    static constexpr std::size_t flows_ahead = 16;

    void meter_one(const flow::FlowKey& key, Sought sought,
                   const flow::Observation& packet) noexcept;
    void open(const flow::FlowKey& key, FlowHash hash, const flow::Observation& first) noexcept;
    bool settle(flow::FlowIndex index, ObservedAt now) noexcept;
    void end(flow::FlowIndex index, flow::FlowEndReason reason) noexcept;
    void emit(flow::FlowIndex index, flow::FlowEndReason reason) noexcept;
    FlowHash hash_of(const flow::FlowKey& key) const noexcept;

    Parts parts_;
    std::array<FlowHash, burst_packets_max> hashes_{};
    std::size_t announced_ = 0;  // of the burst that comes
    flow::Expiry expiry_;
    ObservedAt now_{};
    std::size_t drained_places_ = 0;
};

}  // namespace tapmeter
