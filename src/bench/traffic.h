#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "pipeline/base/packet.h"
#include "pipeline/base/region.h"
#include "pipeline/base/result.h"

namespace tapmeter::bench {

struct FrameHead;

// Where a packet's frame lies, and what a NIC's receive descriptor would say of it. As many octets
// as such a descriptor has, so that reading the list costs what reading descriptors would.
struct Slot {
    std::uint32_t place = 0;            // of the frame, in cache lines
    std::uint32_t captured_octets = 0;  // of the frame that may be looked at
    std::uint32_t wire_octets = 0;      // without FCS
    std::uint16_t addresses_at = 0;     // of the IP source address in the frame; 0: no IP
    LinkType link = LinkType::ethernet;
    std::uint8_t flags = 0;

    static constexpr std::uint8_t ipv6 = 1U << 0U;
    // Belongs to a conversation that began near the end of the pass before.
    static constexpr std::uint8_t begun_before = 1U << 1U;
};
static_assert(sizeof(Slot) == 16);

// What becomes of the frames before they are played once more.
enum class Renewal : std::uint8_t {
    none,       // the same flows again
    addresses,  // every address moves on: the same conversations between others
    flows,      // every frame opens a flow that was never seen
};

// Packets made before the clock starts, to be played over and over; owned by one source.
//
// Frames of more than 128 octets lie 128 octets apart: their headers are their own, their payload
// is the memory of the next ones. A meter of headers never reads it, and so a million large frames
// do not need gigabytes. Frames of a capture file lie whole.
class Traffic {
public:
    // Frames of made-up traffic take so much memory.
    static constexpr std::uint32_t frame_stride_max = 128;

    // Room for so many frames that take so many octets in all, each rounded up to cache lines.
    // errors  no_memory, as Region::reserve
    static Result<Traffic> reserve(std::size_t packets, std::size_t octets);

    // Adds a made-up frame: `head` is what is written, frame_octets its whole length.
    void add_made(const FrameHead& head, std::uint8_t flags = 0);
    // Adds a captured frame. addresses_at and flags as in Slot.
    void add_captured(const Packet& packet, std::uint16_t addresses_at, std::uint8_t flags);

    // False: there is no room for this frame.
    bool fits(const Packet& packet) const noexcept;
    // Packets added so far.
    std::size_t made() const noexcept { return slots_.size(); }
    // Changes the addresses of all packets from `first` on by these bits.
    void move_addresses(std::size_t first, std::uint32_t change) noexcept;

    // Ends the making. warm_packets: after so many the flow table holds what it will hold.
    void seal(Renewal renewal, std::uint64_t warm_packets, std::uint64_t first_flow = 0);

    // Packets of one pass; slot(i) may be asked for up to a burst beyond the end: the first again.
    std::size_t packets() const noexcept { return packets_; }
    const Slot& slot(std::size_t index) const noexcept { return slots_[index]; }
    const std::byte* frame(const Slot& slot) const noexcept {
        return &frames_.octets()[std::size_t{slot.place} * line_octets];
    }

    // The traffic of the next pass; costs time, of which Stopwatch knows.
    void renew() noexcept;
    Renewal renewal() const noexcept { return renewal_; }
    std::uint64_t warm_packets() const noexcept { return warm_packets_; }
    Region::Pages pages() const noexcept { return frames_.pages(); }
    std::size_t octets() const noexcept { return frames_.octets().size(); }

private:
    static constexpr std::size_t line_octets = 64;

    explicit Traffic(Region frames) noexcept : frames_(std::move(frames)) {}

    void move_addresses(const Slot& slot, std::uint32_t change) noexcept;
    std::uint32_t change_of_pass(const Slot& slot) const noexcept;

    Region frames_;
    std::vector<Slot> slots_;
    std::size_t lines_used_ = 0;
    std::size_t packets_ = 0;
    Renewal renewal_ = Renewal::none;
    std::uint64_t warm_packets_ = 0;
    std::uint64_t next_flow_ = 0;
    std::uint64_t pass_ = 0;
};

}  // namespace tapmeter::bench
