#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "pipeline/base/region.h"

namespace tapmeter::inspect {

// Memory of one dissector, taken whole at the start: what a library that allocates as it goes may
// have, without a system call or a lock on the packet path. One thread at a time.
//
// Blocks of 36 sizes, four to each power of two from 32 octets on; a block that is given back
// waits for the next request of its size. Nothing is ever joined, so what a burst of odd sizes has
// taken stays of those sizes: `left()` only falls.
class Arena {
public:
    // errors  no_memory, naming what to lower
    static Result<Arena> reserve(std::size_t octets, bool populate);

    // Memory for `octets`, aligned as for any type; null when there is none of that size left, or
    // when it is larger than block_octets_max.
    void* allocate(std::size_t octets) noexcept;

    // Takes back what allocate() gave. Null, and what is not out, changes nothing.
    void release(void* block) noexcept;

    std::size_t left() const noexcept { return octets_ - taken_; }
    std::size_t taken() const noexcept { return taken_; }  // and given to blocks, ever
    std::size_t used() const noexcept { return used_; }    // in blocks that are out
    std::uint64_t refused() const noexcept { return refused_; }

    static constexpr std::size_t block_octets_max = std::size_t{8} << 20U;

private:
    // Before each block: its size class, and the next free one while it waits.
    struct alignas(16) Header {
        std::uint32_t size_class = 0;
        std::uint32_t next = 0;  // in 16 octets from the start of the region; 0: none
    };
    static constexpr std::size_t size_classes = 80;

    Arena(Region region, std::size_t octets) noexcept
        : region_(std::move(region)), octets_(octets) {}

    Header& header_at(std::size_t octet) noexcept;

    Region region_;
    std::size_t octets_;                  // of the region, that may be used
    std::size_t taken_ = sizeof(Header);  // place 0 is nobody's: it stands for "none"
    std::size_t used_ = 0;
    std::uint64_t refused_ = 0;
    std::array<std::uint32_t, size_classes> free_{};
};

}  // namespace tapmeter::inspect
