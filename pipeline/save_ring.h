#pragma once

#include <array>
#include <cstdint>
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
    std::array<std::uint8_t, 5> unused{};
};
static_assert(sizeof(SavedPacket) == 24);

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
    // Worker only: whether as many packets as a burst may hold have room, whatever their length.
    bool has_room_for_burst() noexcept;
    // Worker only: the writer may have what was put so far.
    void flush() noexcept;
    bool holds_back() const noexcept { return filled_ != 0; }

    // Writer only: the oldest chunk, empty where none waits; valid until give_back().
    std::span<const std::byte> oldest() noexcept;
    void give_back() noexcept {
        ready_.consume(1);
        ++reading_;
    }

    std::size_t octets() const noexcept { return ready_.capacity() * chunk_octets; }

private:
    std::span<std::byte> chunk(std::size_t number) noexcept {
        return memory_.octets().subspan((number & (ready_.capacity() - 1)) * chunk_octets,
                                        chunk_octets);
    }

    Region memory_;
    Ring<std::uint32_t> ready_;  // octets in each filled chunk, in order
    std::size_t filling_ = 0;    // worker's: number of the chunk at hand
    std::size_t filled_ = 0;     // worker's: octets in it
    std::size_t reading_ = 0;    // writer's: number of the oldest chunk
};

}  // namespace tapmeter
