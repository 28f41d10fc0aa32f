#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "pipeline/base/packet.h"
#include "pipeline/base/region.h"
#include "pipeline/base/result.h"
#include "pipeline/base/ring.h"
#include "pipeline/decode/outer_points.h"
#include "pipeline/inspect/alert.h"
#include "pipeline/recall.h"
#include "pipeline/save_ring.h"
#include "pipeline/saving_books.h"

namespace tapmeter {

// The packets that a worker has received last, as many as fit into memory of a fixed size, and what
// is asked of them. A recall walks from the oldest packet to the newest and goes on with those that
// come, until its time or its number is over; each packet that belongs to it is copied into the
// ring to the writer, in order. Where that is full the walk waits: only a packet that has to leave
// the history meanwhile is lost for it, and counted.
//
// The work of a turn is bounded: looks_per_turn packets for all recalls together, and those that
// leave the history before a walk has come to them. No lock, and no allocation after make().
class History {
public:
    static constexpr std::size_t alert_recalls_max = 16;  // that are open at one time
    static constexpr std::size_t commands_max = 16;       // likewise
    // Of one filter and link layer: what its packets wait for, at most, is bounded too.
    static constexpr std::size_t filter_instructions_max = 512;

    struct Settings {
        std::uint64_t octets = 0;  // rounded up to a power of two, and to octets_min
        std::uint32_t snap_octets = 0;
        std::chrono::nanoseconds after{};  // for so long, packets that come belong to a recall
        std::uint64_t packets_after_max = 0;
        bool on_alert = true;  // an alert recalls its flow
        OuterPoints outer_points{};
        std::uint16_t worker = 0;
        bool populate = false;
    };
    static constexpr std::uint64_t octets_min = std::uint64_t{1} << 20U;

    // to      outlives this; nobody else fills it
    // errors  no_memory
    static Result<std::unique_ptr<History>> make(const Settings& settings, SaveRing& to);
    // Memory that make() takes.
    static std::uint64_t octets_for(std::uint64_t octets) noexcept;

    // Worker: a burst has come.
    void take(std::span<const Packet> packets) noexcept;
    // Worker: an alert was raised.
    void hear(const inspect::Alert& alert) noexcept;
    // Worker, each turn: goes on with what is asked.
    // now  packet time
    void serve(ObservedAt now) noexcept;
    // Worker, of packets that can wait: whether a burst would make no walk lose anything.
    bool keeps_up() noexcept;
    // Worker: no packet comes any more. True when every recall has ended; false: the ring is full,
    // call again.
    bool finish(ObservedAt now) noexcept;

    void tell(HistoryBooks& to) const noexcept;

    // Control side, one thread at a time. False: too much was asked at once.
    // recall  but for its times and its worker
    [[nodiscard]] bool ask(const Recall& recall) noexcept;

private:
    static constexpr std::size_t looks_per_turn = 512;

    struct Walk {
        Recall recall{};
        std::uint64_t at = 0;     // of the next packet to look at
        std::uint64_t since = 0;  // where packets begin that came behind the recall
        std::uint64_t packets_after = 0;
        bool open = false;
        bool announced = false;
        bool over = false;
    };
    struct Held {
        SavedPacket head{};
        Bytes frame{};
        std::uint64_t next = 0;
    };

    History(const Settings& settings, Region memory, SaveRing& to);

    std::uint64_t offset(std::uint64_t position) const noexcept { return position & mask_; }
    std::uint64_t to_end(std::uint64_t position) const noexcept {
        return mask_ + 1 - offset(position);
    }
    std::uint64_t packet_from(std::uint64_t position) const noexcept;
    Held held_at(std::uint64_t position) const noexcept;
    void store(const SavedPacket& head, Bytes frame) noexcept;
    void make_room(std::uint64_t octets) noexcept;
    void forget_oldest() noexcept;
    std::int64_t oldest_ns() const noexcept;

    bool begin(const Recall& recall, ObservedAt now) noexcept;
    std::size_t open_for(Recall::Why why) const noexcept;
    void take_requests(ObservedAt now) noexcept;
    void walk_on(Walk& walk, std::size_t looks) noexcept;
    bool look(Walk& walk, const Held& held) noexcept;
    bool belongs(const Walk& walk, const Held& held) noexcept;
    bool announce(Walk& walk) noexcept;
    void end_if_over(Walk& walk, ObservedAt now, bool last) noexcept;
    bool is_behind(const Walk& walk) const noexcept { return packet_from(walk.at) != head_; }

    Settings settings_;
    Region memory_;
    std::span<std::byte> octets_;
    std::uint64_t mask_;
    SaveRing& to_;
    // Where the next packet goes, and where the oldest begins: these run freely.
    std::uint64_t head_ = 0;
    std::uint64_t tail_ = 0;
    std::array<Walk, alert_recalls_max + commands_max> walks_{};
    Ring<Recall> requests_{commands_max};
    std::uint32_t alert_recalls_ = 0;
    decode::Tunnels tunnels_{};
    HistoryBooks books_{};
};

}  // namespace tapmeter
