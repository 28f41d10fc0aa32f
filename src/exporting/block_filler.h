#pragma once

#include <chrono>
#include <cstddef>
#include <span>

#include "src/exporting/account.h"
#include "src/exporting/output_queue.h"

namespace tapmeter::exporting {

// Puts records one behind the other into the blocks of an output's queue, and keeps the exporter
// core's half of its account: lines of JSON, rows for a database. Exporter core.
class BlockFiller {
public:
    // age_max  a block that is not full is handed over at the tick that finds it so old
    // `queue` and `account` outlive it.
    BlockFiller(OutputQueue& queue, Account& account, std::chrono::milliseconds age_max)
        : queue_(queue),
          account_(account),
          age_max_(age_max),
          now_(std::chrono::steady_clock::now()) {}

    // Room behind what the present block holds, `octets` or more of it; a block that has less is
    // handed over before. Empty: all blocks wait, or no block is so large.
    std::span<std::byte> room(std::size_t octets) noexcept;

    // So many octets of room() were written, and are `contents`.
    // ended  last packet of it
    void add(std::size_t octets, const RecordTotals& contents, ObservedAt ended) noexcept;

    // What room() had none for: counted as queue_full.
    void refuse(const RecordTotals& contents) noexcept;

    // Octets that the present block has left; 0: there is none.
    std::size_t left() const noexcept { return room_.size() - block_.octets; }

    // Nothing of the present block was written, or it is new.
    bool empty() const noexcept { return block_.octets == 0; }

    // To the sending thread, which sleeps on.
    void hand_over() noexcept;

    void tick(std::chrono::steady_clock::time_point now) noexcept;

    // Number of the present block from 0, in the order in which they are handed over.
    std::uint64_t block_number() const noexcept { return handed_over_; }

private:
    OutputQueue& queue_;
    Account& account_;
    std::chrono::milliseconds age_max_;
    Block block_;                                    // the one in progress
    std::span<std::byte> room_;                      // its storage in the queue; empty: none begun
    std::uint64_t handed_over_ = 0;                  // blocks
    std::chrono::steady_clock::time_point begun_{};  // by tick()
    std::chrono::steady_clock::time_point now_;
};

}  // namespace tapmeter::exporting
