#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/exporting/account.h"
#include "src/exporting/output_queue.h"
#include "src/exporting/spool.h"

namespace tapmeter::exporting {

// Blocks of an output that wait for its server, wherever they wait: on disk, and those in the queue
// behind them. The sending thread takes the oldest in hand, brings them to the server and gives
// them back, oldest first, with what became of their records; this keeps its half of the account.
//
// With a spool, what is in hand is a copy, which stays where it is when the queue's blocks move to
// the disk because that is half full. On disk a block stays until it was given back. Without one,
// octets in hand are those of the queue.
//
// Sending thread, but for drain().
class Backlog {
public:
    struct Setup {
        std::unique_ptr<Spool> spool{};  // null: blocks wait in the queue alone
        std::string
            made_of{};  // what blocks are, for whoever finds them on disk; 16 octets or more
        std::size_t in_hand_max = std::numeric_limits<std::size_t>::max();
        std::size_t spool_from = 1;  // blocks in the queue: so many, and they go to the disk
        std::uint64_t first_id = 0;  // of the first block of the queue; the next one's is one more
    };

    // One block in hand.
    struct Held {
        std::span<std::byte> octets;
        RecordTotals contents;
        ObservedAt ended{};
        std::uint64_t id = 0;
        std::size_t made_as = 0;  // equal numbers are equal made_of()
        bool on_disk = false;
        bool recovered = false;      // a run of the program before this one made it
        std::vector<std::byte> own;  // with a spool: the octets
    };

    // What became of the records of a block, all of them together its contents.
    struct Fate {
        RecordTotals sent;
        RecordTotals refused;
        RecordTotals send_error;
        RecordTotals spool_error;  // what was on disk is no block
        std::uint64_t messages = 0;
        std::uint64_t message_octets = 0;
    };

    // `queue` and `account` outlive it.
    Backlog(Setup setup, OutputQueue& queue, Account& account);

    bool has_spool() const noexcept { return spool_ != nullptr; }

    // Nothing waits, and nothing is in hand.
    bool empty();

    // Something is on disk, or was there when it came to hand.
    bool has_older_than_queue();

    // One more in hand, the oldest that was not. False: none waits, or enough are in hand.
    bool take();
    std::size_t in_hand() const noexcept { return in_hand_.size(); }
    Held& operator[](std::size_t index) noexcept { return in_hand_[index]; }
    const Held& operator[](std::size_t index) const noexcept { return in_hand_[index]; }
    std::string_view made_of(const Held& held) const noexcept;
    std::size_t made_as_now() const noexcept { return own_; }

    // The oldest in hand is done with.
    void give_back(const Fate& fate);

    // Once a step, and while the server is waited for: moves what waits in the queue to the disk
    // where that is half full. What is in hand stays where it is.
    // reached  the server is there, so what is on disk will not stay there for long
    void relieve_queue(bool reached);

    // At the end: what waits in the queue goes to the disk for the next run; what waits there is
    // no longer in hand, nor is it taken again. Left is what the disk had no room for.
    void leave_on_disk();

    // Exporter core, at the end: OutputQueue::drain(), and the same for what is on disk, while the
    // server is there.
    void drain(std::chrono::steady_clock::time_point deadline) const;

private:
    bool take_from_disk();
    bool take_from_queue();
    bool spool_oldest();
    void spool_queue();
    void wait_for_disk(std::chrono::steady_clock::time_point deadline) const;
    void tell_whether_it_catches_up() noexcept;
    Held& hold(Bytes octets);
    void let_go();

    std::unique_ptr<Spool> spool_;
    OutputQueue& queue_;
    Account& account_;
    std::string own_made_of_;
    std::size_t in_hand_max_;
    std::size_t spool_from_;
    std::uint64_t next_id_;  // of the queue's oldest block
    std::size_t own_ = 0;
    std::deque<Held> in_hand_;    // oldest first: those on disk, then those in the queue
    std::size_t from_queue_ = 0;  // how many of them are the queue's
    std::vector<std::vector<std::byte>> spare_;  // room for those in hand
    bool leaving_ = false;
    bool reached_ = false;
    std::atomic<bool> catches_up_{false};
};

// How many blocks must wait in a queue of `blocks` before they go to the disk: half of it is left
// for what comes while that is busy, and room for one take() in any case, for an exporter that can
// wait.
constexpr std::size_t spool_from(std::size_t blocks, std::size_t room_for_a_take) noexcept {
    return blocks >= 2 * room_for_a_take ? blocks / 2 : 1;
}

}  // namespace tapmeter::exporting
