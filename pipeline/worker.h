#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/base/clock.h"
#include "pipeline/base/published.h"
#include "pipeline/base/source.h"
#include "pipeline/books.h"
#include "pipeline/decode/outer_points.h"
#include "pipeline/filter/packet_filter.h"
#include "pipeline/flow/duplicates.h"
#include "pipeline/flow/fragments.h"
#include "pipeline/history.h"
#include "pipeline/load.h"
#include "pipeline/metering.h"
#include "pipeline/saving.h"

namespace tapmeter {

class PacketSampler;

// One core of the Metering Process: takes bursts from its own queue, meters them into its own
// shard, and hands finished flow records to the exporter core. Shares nothing but the ring and the
// books that it publishes. All functions but books() belong to the worker's thread.
class Worker {
public:
    struct Parts {
        PacketSource& source;  // outlives the worker
        RecordRing& ring;      // outlives the worker
        // The time of live packets; null for capture files, whose packets are the only clock and
        // which wait when the ring is full instead of losing records. Outlives the worker.
        const LiveClock* clock = nullptr;
        flow::FlowTable table;
        flow::FlowTable::Request table_grows_to{};  // as Metering::Parts::grows_to
        flow::HashKey hash_key;
        flow::Timeouts timeouts;
        bool vlan_in_key = true;
        OuterPoints outer_points{};
        std::uint16_t number = 0;
        LoadLevels load{};
        Admission::Limits admission{};
        std::size_t flows_max = 0;  // of which `table` is full; 0: the table's places
        Shunts::Settings shunt{};
        flow::Fragments::Settings fragments{};
        std::unique_ptr<inspect::Inspector> inspector{};  // null: no packet is inspected
        std::unique_ptr<flow::Analytics> analytics{};     // null: no group of it is on
        std::unique_ptr<flow::Duplicates> duplicates{};   // null: copies are packets
        const filter::PacketFilters* filters = nullptr;   // null: none; outlives the worker
        std::unique_ptr<Saving> saving{};                 // null: no packet is written
        std::vector<PacketSampler*> samplers{};           // are shown all packets; outlive it
        std::unique_ptr<History> history{};               // null: no packet is kept
        const inspect::AlertRing* alerts = nullptr;       // its own; null: there are no signatures
        bool adopt = false;  // `table` holds what an earlier process left there
        // Where its books are published; null: in the worker. Outlives it, also as a process.
        Published<WorkerBooks>* books = nullptr;
    };
    explicit Worker(Parts parts);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // One turn: everything that happens to a burst, in the order it happens. Returns how many
    // packets there were, so that the caller can tell a busy turn from an idle one.
    std::size_t step() noexcept;

    // The end: every flow leaves. `end` is the time of the newest packet of all workers, so that
    // records do not depend on how packets were spread. True when done; false: the ring is full,
    // call again.
    bool drain(ObservedAt end) noexcept;

    // True once the source will never bring a packet again.
    bool exhausted() const noexcept { return source_.exhausted(); }

    // Any thread: one consistent cut.
    WorkerBooks books() const noexcept { return published_.read(); }

    // Control side, one thread at a time: see inspect::Inspector::swap(). Only of a worker that
    // inspects.
    bool swap_dissector(std::unique_ptr<inspect::Dissector>& fresh) noexcept {
        return metering_.swap_dissector(fresh);
    }

    // Control side, one thread at a time: see History::ask(). Only of a worker that has a history.
    [[nodiscard]] bool ask(const Recall& recall) noexcept { return history_->ask(recall); }

    // Any thread; of a table that grows, what it may grow to.
    std::size_t table_octets() const noexcept { return table_octets_; }
    std::size_t table_places() const noexcept { return table_places_; }
    Region::Pages table_pages() const noexcept { return metering_.table().pages(); }
    std::string_view hash_method() const noexcept { return metering_.hash_method(); }

private:
    // A turn of a worker whose packets can wait takes none while the ring could refuse a record.
    static constexpr std::size_t records_per_turn_max =
        burst_packets_max * Metering::records_per_packet_max;
    // Bounds how long expiry may hold up the next burst: about 30 us.
    static constexpr std::size_t expired_per_turn_max = 256;

    // While later packets of a burst are decoded, memory brings what the first ones need.
    static constexpr std::size_t keys_per_announcement = 16;

    bool must_wait() noexcept;
    bool ring_has_room() noexcept;
    void hear_alerts() noexcept;
    void sift() noexcept;
    std::size_t decode_burst(std::span<const Packet> packets) noexcept;
    bool walk(const Packet& packet, ObservedAt at, std::size_t place) noexcept;
    bool is_copy(Bytes ip, const flow::Observation& packet) noexcept;
    bool meters_now(const decode::Headers& headers, std::size_t place) noexcept;
    std::size_t meter_first(std::size_t count, ObservedAt now) noexcept;
    std::size_t meter_followers(std::size_t count, ObservedAt now) noexcept;
    std::size_t meter_orphans(std::size_t count, ObservedAt now, ObservedAt newest) noexcept;
    bool drain_fragments(ObservedAt end) noexcept;
    void note_tunnels(const decode::Headers& headers) noexcept;
    void expire() noexcept;
    void close_turn(std::size_t packets, std::uint64_t cycles) noexcept;
    void govern(ObservedAt now) noexcept;
    void publish() noexcept;

    PacketSource& source_;
    RecordRing& ring_;
    const LiveClock* clock_;
    bool vlan_in_key_;
    OuterPoints outer_points_;
    decode::Tunnels tunnels_{};  // around the packet that was walked last
    Burst burst_{};
    std::array<flow::FlowKey, burst_packets_max> keys_{};
    std::array<flow::Observation, burst_packets_max> observations_{};
    ObservedAt newest_{};
    WorkerBooks books_{};
    std::uint64_t turns_unpublished_ = 0;
    double flows_max_;
    std::size_t table_octets_;
    std::size_t table_places_;
    Load load_;
    Metering metering_;
    flow::Fragments fragments_;
    std::unique_ptr<flow::Duplicates> duplicates_;
    const filter::PacketFilters* filters_;
    std::unique_ptr<Saving> saving_;
    std::vector<PacketSampler*> samplers_;
    std::unique_ptr<History> history_;
    const inspect::AlertRing* alerts_;
    bool followers_ = false;  // fragments waited for the packet that was just read
    Published<WorkerBooks> own_;
    Published<WorkerBooks>& published_;
};

}  // namespace tapmeter
