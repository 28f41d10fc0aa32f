#pragma once

#include <array>
#include <memory>
#include <span>

#include "pipeline/admission.h"
#include "pipeline/base/packet.h"
#include "pipeline/books.h"
#include "pipeline/flow/aggregate.h"
#include "pipeline/flow/analytics.h"
#include "pipeline/flow/expiry.h"
#include "pipeline/flow/flow_hash.h"
#include "pipeline/flow/flow_table.h"
#include "pipeline/flow/meter.h"
#include "pipeline/flow/timeouts.h"
#include "pipeline/inspect/inspector.h"
#include "pipeline/record_ring.h"
#include "pipeline/shunts.h"

namespace tapmeter {

constexpr Traffic traffic_of(const flow::Observation& packet) noexcept {
    return {.packets = 1, .octets = packet.octets, .layer2_octets = packet.layer2_octets};
}

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
        // Recordings only: `table` is a small one, and a larger one follows as flows come, up to
        // this one. flows_max 0: it stays.
        flow::FlowTable::Request grows_to{};
        flow::FlowHasher hasher;
        flow::Timeouts timeouts;
        std::uint16_t worker = 0;
        Admission::Limits admission{};
        Shunts::Settings shunt{};
        std::unique_ptr<inspect::Inspector> inspector{};  // null: no packet is inspected
        std::unique_ptr<flow::Analytics> analytics{};     // null: no group of it is on
        bool adopt = false;  // `table` holds what an earlier process left there
    };
    explicit Metering(Parts parts);

    // The next keys of the burst that meter() will be given. Not needed; but the sooner they are
    // known, the sooner memory is asked for what they mean.
    void announce(std::span<const flow::FlowKey> keys) noexcept;

    // Meters a burst: keys[i] and packets[i] belong together; at most burst_packets_max.
    // now   the time that expire() goes by, never falling: packets may be older, not newer
    void meter(std::span<const flow::FlowKey> keys, std::span<const flow::Observation> packets,
               ObservedAt now) noexcept;

    // Meters a packet that was kept back until `until`: what was due in its flow by then comes
    // before it. `now` as above.
    void meter_late(const flow::FlowKey& key, const flow::Observation& packet, ObservedAt until,
                    ObservedAt now) noexcept;

    // The burst whose packets meter() will speak of, and what inspect() looks into.
    void look_at(std::span<const Packet> burst) noexcept {
        if (parts_.inspector != nullptr) {
            parts_.inspector->look_at(burst);
        }
        if (parts_.analytics != nullptr) {
            parts_.analytics->look_at(burst);
        }
    }

    // A fragment that waits for its datagram's first: what it carries is kept for the inspection.
    void keep_part(const decode::Headers& headers, ObservedAt at) noexcept {
        if (parts_.inspector != nullptr) {
            parts_.inspector->keep_part(headers, at);
        }
    }

    // Inspects those packets of the burst whose flows are not decided yet; belongs before its
    // views end.
    void inspect() noexcept {
        if (parts_.inspector != nullptr) {
            parts_.inspector->inspect_noted(parts_.table);
        }
    }

    // Control side: see inspect::Inspector::swap(). Only where there is an inspector.
    bool swap_dissector(std::unique_ptr<inspect::Dissector>& fresh) noexcept {
        return parts_.inspector->swap(fresh);
    }

    // What inspection has counted so far; its alerts become visible with that.
    void tell_inspection(inspect::InspectionBooks& to) noexcept {
        if (parts_.inspector != nullptr) {
            parts_.inspector->tell(to);
            parts_.inspector->publish_alerts();
        }
    }

    void tell_analytics(flow::AnalyticsBooks& to) const noexcept {
        if (parts_.analytics != nullptr) {
            to = parts_.analytics->books();
        }
    }

    void shed_analytics(bool on) noexcept {
        if (parts_.analytics != nullptr) {
            parts_.analytics->shed(on);
        }
    }

    // How much of inspection is given up: 0 nothing, 1 most of it, 2 all.
    void shed_inspection(unsigned steps) noexcept {
        if (parts_.inspector != nullptr) {
            parts_.inspector->shed(steps);
        }
    }

    // The end of a turn, which took so many cycles in all. `pressed`: more packets wait.
    void close_turn(std::uint64_t cycles, bool pressed) noexcept {
        if (parts_.inspector != nullptr) {
            parts_.inspector->close_turn(cycles, pressed);
        }
    }

    // What new flows meet from now on; known ones go on as they are.
    void admit(bool flood, unsigned sampling_exponent) noexcept {
        admission_.set(flood, sampling_exponent);
    }

    // Adds what was counted of shunted flows to them, a share of them at a time. `now` as above;
    // belongs before expire().
    void fold(ObservedAt now) noexcept;

    // Cuts and ends what is due at `now`, a share of the table at a time; makes at most
    // `records_max` records. Bounded, because packets wait meanwhile. Returns how much work it was,
    // in the steps of flow::Expiry.
    flow::Expiry::Work expire(ObservedAt now, std::size_t records_max) noexcept;

    // Most work that expire() begins: 10 to 25 us in a table that no cache holds.
    static constexpr flow::Expiry::Work expiry_work_max = 8'000;

    // The end, when no packet is shunted any more: settles what was due until `end`, then ends
    // every flow with forced_end. Makes as many records as the ring takes. True once the table is
    // empty, else call again.
    bool drain(ObservedAt end) noexcept;

    const flow::FlowTable& table() const noexcept { return parts_.table; }
    std::string_view hash_method() const noexcept { return parts_.hasher.method(); }

private:
    // Where a flow that is not known goes.
    struct Sought {
        FlowHash hash{};
        flow::FlowTable::Elsewhere elsewhere{};
    };
    // Expiry's visits.
    struct Settler {
        Metering& metering;
        ObservedAt now;
        std::size_t records_left;

        bool operator()(flow::FlowIndex index) noexcept;
        void ask(flow::FlowIndex index) const noexcept;
    };

    static constexpr std::size_t flows_ahead = 16;
    static constexpr std::size_t newcomers_ahead = 10;
    static constexpr std::size_t foreseen_ahead = 6;
    static constexpr std::size_t leavers_ahead = 5;

    void seek(std::size_t packet, std::size_t end) noexcept;
    void foresee(std::size_t packet, const flow::Observation& observation) noexcept;
    void prepare_newcomers(std::size_t packet) noexcept;
    void look_elsewhere(std::size_t packet) noexcept;
    void ask_for_home_of_leaver(std::size_t packet) noexcept;

    void meter_one(const flow::FlowKey& key, const flow::Observation& packet,
                   std::size_t at) noexcept;
    bool is_plain(const flow::Flow& flow, const flow::Observation& packet) const noexcept;
    void meter_by_the_book(flow::FlowIndex index, const flow::FlowKey& key,
                           const flow::Observation& packet, FlowHash hash) noexcept;
    void open(const flow::FlowKey& key, const Sought& sought,
              const flow::Observation& first) noexcept;
    bool make_flow(const flow::FlowKey& key, const Sought& sought, const flow::Observation& first,
                   bool spare_answered) noexcept;
    flow::FlowIndex make_room(const Sought& sought, flow::Ticks deadline,
                              bool spare_answered) noexcept;
    void place(flow::FlowIndex index, ObservedAt flow_start) noexcept;
    flow::FlowIndex insert(FlowHash hash, flow::Ticks deadline) noexcept;
    bool grow() noexcept;
    bool prepare_beside(std::size_t places);
    void adopt_table() noexcept;
    static bool is_second(const flow::Flow& flow) noexcept;
    void note_worth(flow::FlowIndex index) noexcept;
    bool is_let_in(const flow::FlowKey& key, FlowHash hash,
                   const flow::Observation& first) noexcept;
    void leave_out(const flow::Observation& packet, LeftOut reason) noexcept;
    void aggregate(const flow::FlowKey& key, const flow::Observation& packet) noexcept;
    bool add_to_aggregate(const flow::FlowKey& key, const flow::Observation& packet,
                          bool make_room) noexcept;
    void evict(flow::FlowIndex index) noexcept;
    void reweigh(flow::FlowIndex index) noexcept;
    void note_sampled(flow::FlowIndex index, const flow::FlowRecord& record) noexcept;
    bool settle(flow::FlowIndex index, ObservedAt now) noexcept;
    void end(flow::FlowIndex index, flow::FlowEndReason reason) noexcept;
    void emit(flow::FlowIndex index, flow::FlowEndReason reason) noexcept;
    RecordRing::Parts parts_of(flow::FlowIndex index, const flow::FlowRecord& record) noexcept;
    bool push(const flow::FlowRecord& record, RecordRing::Parts beside) noexcept;
    bool drain_table(ObservedAt end) noexcept;
    void end_shunted(flow::FlowIndex index) noexcept;
    void fold_the_rest() noexcept;
    void fold_flow(flow::FlowIndex index) noexcept;
    void adopt(const Shunts::Orphan& orphan) noexcept;
    void count_folded(flow::FlowIndex index, const Traffic& folded) noexcept;
    FlowHash hash_of(const flow::FlowKey& key) const noexcept;

    // Aggregates take at most this share of the table's places; then one stands for a protocol.
    static constexpr std::size_t places_per_aggregate = 16;

    Parts parts_;
    std::array<FlowHash, burst_packets_max> hashes_{};
    // Of the burst at hand: where each packet's flow is to be looked for, and bit p where it is not
    // at home; elsewhere_ is of those alone.
    std::array<flow::FlowIndex, burst_packets_max> guesses_{};
    std::array<flow::FlowTable::Elsewhere, burst_packets_max> elsewhere_{};
    std::uint64_t away_from_home_ = 0;
    static_assert(burst_packets_max <= 64);
    std::size_t announced_ = 0;  // of the burst that comes
    flow::Analytics* watcher_;   // who wants every packet; null: nobody
    Admission admission_;
    Shunts shunts_;
    bool grows_;
    Nanoseconds quiet_max_;  // nothing ends that has been quiet for less
    flow::Expiry expiry_;
    ObservedAt now_{};
    std::size_t drained_places_ = 0;
};

}  // namespace tapmeter
