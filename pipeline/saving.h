#pragma once

#include <span>

#include "pipeline/save_ring.h"

namespace tapmeter {

// A worker's hand in writing packets to files: copies what it received into the ring to the
// writer. Never waits. Belongs to the worker's thread.
class Saving {
public:
    // ring         outlives this; the worker is the only one that fills it
    // snap_octets  of each packet that are written at most
    Saving(SaveRing& ring, std::uint32_t snap_octets) noexcept
        : ring_(ring), snap_octets_(snap_octets) {}

    // Whether a burst will find room, whatever is in it: asked for packets that can wait.
    bool has_room() noexcept { return ring_.has_room_for_burst(); }

    void take(std::span<const Packet> packets, SavingBooks& books) noexcept;

    // Once a turn, after the books are published: what has waited long goes to the writer.
    void show() noexcept { ring_.show(); }
    // The end.
    void flush() noexcept { ring_.flush(); }

private:
    SaveRing& ring_;
    std::uint32_t snap_octets_;
};

}  // namespace tapmeter
