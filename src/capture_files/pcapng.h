#pragma once

#include <cstdint>
#include <vector>

#include "src/capture_files/octets.h"
#include "src/capture_files/parsed.h"
#include "src/capture_files/pcapng_format.h"
#include "src/capture_files/pcapng_interface.h"

namespace tapmeter::capture_files {

// Interfaces that one section may describe.
inline constexpr std::size_t interfaces_max = 1'024;

// Of one block at most this much is looked at: a packet of captured_octets_max and its options.
// What lies beyond, options all of it, is skipped; so a window of this size is always enough.
inline constexpr std::size_t block_head_octets_max = std::size_t{512} << 10U;

// Reads the blocks of a pcapng file (draft-ietf-opsawg-pcapng): sections in either byte order, the
// interfaces of each, and their packets. Holds no octets: looks at windows that the caller moves
// along the file. Allocates in the constructor only.
class PcapngReader {
public:
    PcapngReader() { interfaces_.reserve(interfaces_max); }

    // The window of the next read() begins at the start of a file.
    void start(std::uint16_t observation_point) noexcept;

    // Adds the packets of the blocks at the window's start to the burst, until it is full. Frames
    // are views into the window. Blocks that carry no packets are read or skipped on the way.
    Parsed read(Bytes window, Burst& burst) noexcept;

    // True inside a block that is being skipped: a file that ends here was cut.
    bool inside_block() const noexcept { return skip_octets_ > 0; }

private:
    struct Block {
        BlockType type;
        std::uint32_t total_octets;
        std::uint32_t octets_min;   // no block of this type is shorter
        std::uint32_t head_octets;  // what we look at
    };

    // True: go on. False: `parsed` or damage_ says why not.
    bool step(Bytes rest, Burst& burst, Parsed& parsed) noexcept;
    bool read_block(Bytes rest, Burst& burst, Parsed& parsed) noexcept;
    bool skip(Bytes rest, Parsed& parsed) noexcept;
    Block block_at(Bytes rest) const noexcept;

    // True: no damage found.
    bool read_body(BlockType type, Bytes body, Burst& burst) noexcept;
    bool enter_section(Bytes block) noexcept;
    bool check_version(Bytes section) noexcept;
    bool add_interface(Bytes body) noexcept;
    bool read_packet(Bytes body, std::uint32_t interface_id, Burst& burst) noexcept;
    bool read_simple_packet(Bytes body, Burst& burst) noexcept;
    bool fits(std::uint32_t captured, Bytes rest) noexcept;
    bool check_trailer(Bytes trailer) noexcept;
    bool refuse(const Damage& damage) noexcept;

    std::uint32_t fcs_octets_of(const Interface& interface, Bytes options) const noexcept;

    std::vector<Interface> interfaces_;  // of the current section; reserved, never reallocated
    std::uint64_t skip_octets_ = 0;      // rest of the current block, with its trailing length
    std::uint32_t total_octets_ = 0;     // of the current block
    FileOrder order_ = FileOrder::ours;
    std::uint16_t observation_point_ = 0;
    Damage damage_;           // found in the current window
    ObservedAt last_time_{};  // for simple packets, which have no time of their own
};

}  // namespace tapmeter::capture_files
