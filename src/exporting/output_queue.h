#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

#include "pipeline/base/bytes.h"
#include "pipeline/base/ring.h"
#include "pipeline/base/units.h"
#include "src/exporting/descriptor.h"
#include "src/exporting/output.h"

namespace tapmeter::exporting {

class TemplateSet;

// What stands in one block of an OutputQueue: one IPFIX Message, or a run of JSON lines.
struct Block {
    std::uint32_t octets = 0;
    std::uint32_t stream = 0;  // index of the Observation Domain; 0 where there is but one stream
    RecordTotals contents;
    std::uint32_t sequence = 0;       // of a message, as it was built
    std::uint32_t sequence_step = 0;  // from it to the next one's: its Data Records
    ObservedAt ended{};               // last packet of its first flow record; 0: it has none
    // That a message was made with; static storage.
    const TemplateSet* templates = nullptr;
};

// The bounded queue between the exporter core and the sending thread of one output: fixed blocks,
// all reserved at start. The exporter core never waits for it; a full queue refuses. It also
// carries the word that the end is near from the control side to the sending thread.
class OutputQueue {
public:
    struct Size {
        std::size_t blocks = 0;        // most that may wait; 1 and more
        std::size_t block_octets = 0;  // longest block
    };

    // event  an eventfd, by which a sleeping sender is woken
    OutputQueue(Size size, Descriptor event);

    // Exporter core: room for the next block, block_octets long; empty: the queue is full.
    std::span<std::byte> writable() noexcept;

    // Exporter core: true where so many blocks can be written, or as many as the queue has.
    bool has_room(std::size_t blocks) noexcept;

    // Exporter core: hands over the block written to writable(), which was not empty.
    void push(const Block& block) noexcept;

    // Exporter core, once after some push(): wakes the sender if it sleeps; else costs one
    // exchange and no system call.
    void wake() noexcept;

    // Exporter core, at the end: waits until the sender has dealt with everything, after
    // `deadline` without trying any further. Bounded by deadline + patience of a single send.
    void drain(std::chrono::steady_clock::time_point deadline) noexcept;

    // Exporter core: lets the sender end once nothing waits.
    void stop() noexcept;

    // Sending thread: blocks that wait, oldest first, as far as they lie in one piece.
    std::span<const Block> readable() noexcept { return blocks_.readable(); }

    // Sending thread: the octets of readable()[index].
    Bytes octets_of(std::size_t index) noexcept;

    // The same, to write the header's last words into.
    std::span<std::byte> writable_octets_of(std::size_t index) noexcept;

    // Sending thread: done with the oldest `count`; after their fate was published.
    void consume(std::size_t count) noexcept;

    // Sending thread: sleeps until something waits, the state below changes, or `patience` ends.
    void wait(std::chrono::milliseconds patience) noexcept;

    // Sending thread: the same, but does not mind what waits.
    void pause(std::chrono::milliseconds patience) noexcept;

    // Any thread: drain() was called, try once more and do not wait for better times.
    bool finishing() const noexcept { return finishing_.load(std::memory_order_acquire); }
    // Any thread: its deadline is over, do not try at all.
    bool abandoned() const noexcept { return abandoned_.load(std::memory_order_acquire); }
    // Any thread: return once nothing waits.
    bool stopping() const noexcept { return stopping_.load(std::memory_order_acquire); }
    // Any thread: blocks pushed and not consumed.
    std::size_t waiting() const noexcept { return blocks_.waiting(); }

private:
    void raise(std::atomic<bool>& flag) noexcept;
    void ring_bell() noexcept;
    void sleep(std::chrono::milliseconds patience) noexcept;
    std::span<std::byte> storage(std::size_t block) const noexcept;

    Size size_;
    Ring<Block> blocks_;
    std::unique_ptr<std::byte[]> octets_;  // NOLINT(*-avoid-c-arrays): sized once, at start
    Descriptor event_;
    std::size_t pushed_ = 0;    // exporter core's
    std::size_t consumed_ = 0;  // sending thread's
    std::atomic<bool> asleep_{false};
    std::atomic<bool> finishing_{false};
    std::atomic<bool> abandoned_{false};
    std::atomic<bool> stopping_{false};
};

}  // namespace tapmeter::exporting
