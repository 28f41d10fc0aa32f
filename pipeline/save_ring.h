#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "pipeline/base/packet.h"
#include "pipeline/base/region.h"
#include "pipeline/base/result.h"
#include "pipeline/base/ring.h"
#include "pipeline/saving_books.h"

namespace tapmeter {

// One packet in a chunk: this head, its octets, and up to seven more so that the next begins at a
// multiple of eight.
struct SavedPacket {
    std::int64_t observed_ns = 0;  // since 1970-01-01 UTC
    std::uint32_t octets = 0;      // that follow
    std::uint32_t wire_octets = 0;
    std::uint16_t observation_point = 0;
    LinkType link = LinkType::ethernet;
    // Of the ring of a history: what follows is no frame, but a mark.
    enum class Mark : std::uint8_t { none, recall_begins, recall_ends } mark = Mark::none;
    std::uint32_t recall = 0;  // of the ring of a history: for which recall

    // Octets from this packet to the next.
    static constexpr std::size_t room_for(std::size_t octets) noexcept;
};
static_assert(sizeof(SavedPacket) == 24);

constexpr std::size_t SavedPacket::room_for(std::size_t octets) noexcept {
    constexpr std::size_t alignment = 8;
    return sizeof(SavedPacket) + (octets + alignment - 1) / alignment * alignment;
}

// Visits the packets of a chunk, and marks, in order.
template <class Visit>
void for_each_saved(std::span<const std::byte> chunk, Visit&& visit) {
    while (chunk.size() >= sizeof(SavedPacket)) {
        SavedPacket head;
        std::memcpy(&head, chunk.data(), sizeof(head));
        visit(head, Bytes(chunk.subspan(sizeof(head), head.octets)));
        chunk = chunk.subspan(SavedPacket::room_for(head.octets));
    }
}

// Packets on their way from a worker to the writer: chunks of memory, filled by the one and given
// back by the other. The worker copies and never waits; where no chunk is free, it counts. No lock,
// and no allocation after make().
class SaveRing {
public:
    // Room for the longest frame of any capture file.
    static constexpr std::size_t chunk_octets = std::size_t{1} << 19U;
    static constexpr std::size_t chunks_min = 4;

    // octets    of memory, at least; chunks_min chunks and more
    // populate  every page is touched now: live packets must not pay for it
    // errors    no_memory
    static Result<std::unique_ptr<SaveRing>> make(std::uint64_t octets, bool populate);
    SaveRing(Region memory, std::size_t chunks);

    // Worker only. False: there is no room, the packet was not taken.
    // snap_octets  of the frame that are kept at most
    bool put(const Packet& packet, std::uint32_t snap_octets) noexcept;
    bool put(const SavedPacket& head, Bytes octets) noexcept;
    // Worker only: whether as many packets as a burst may hold have room, whatever their length.
    bool has_room_for_burst() noexcept;
    // Worker only: the writer may have what was put so far.
    void flush() noexcept;
    bool holds_back() const noexcept { return filled_ != 0; }
    // Worker only, once a turn: what has waited long is shown, so that a file is hardly behind.
    void show() noexcept;

    // Writer only: the oldest chunk, empty where none waits; valid until give_back().
    std::span<const std::byte> oldest() noexcept;
    void give_back() noexcept {
        ready_.consume(1);
        ++reading_;
    }

    // Writer only: how many chunks wait.
    std::size_t waiting() const noexcept { return ready_.waiting(); }

    std::size_t chunks() const noexcept { return ready_.capacity(); }
    std::size_t octets() const noexcept { return chunks() * chunk_octets; }

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds shown_after{50};

    std::span<std::byte> chunk(std::size_t number) noexcept {
        return memory_.octets().subspan((number & (ready_.capacity() - 1)) * chunk_octets,
                                        chunk_octets);
    }

    Region memory_;
    Ring<std::uint32_t> ready_;  // octets in each filled chunk, in order
    std::size_t filling_ = 0;    // worker's: number of the chunk at hand
    std::size_t filled_ = 0;     // worker's: octets in it
    std::size_t reading_ = 0;    // writer's: number of the oldest chunk
    bool waits_ = false;         // worker's: show() has seen something that is held back
    Clock::time_point since_{};  // worker's: when
};

}  // namespace tapmeter
