#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

#include "pipeline/base/expects.h"
#include "pipeline/base/prefetch.h"

namespace tapmeter {

inline constexpr std::size_t cache_line_octets = 64;

// A ring between one producer core and one consumer core. Never blocks, never allocates after
// construction; a full ring refuses, and the producer counts what it could not hand over.
//
// The producer writes slots with push() and shows them all at once with publish(), once a burst;
// the consumer looks at what is there with readable() and gives slots back with consume(). So the
// shared lines move between the cores once per batch, not once per value.
//
// Indices run freely and are masked on use, so full (difference == capacity) and empty
// (difference == 0) differ without giving up a slot.
template <class T>
class Ring {
    static_assert(std::is_trivially_copyable_v<T>, "values cross cores as plain octets");

public:
    // capacity must be a power of two: indices are masked.
    explicit Ring(std::size_t capacity)
        : mask_(capacity - 1),
          slots_(std::make_unique<T[]>(capacity)) {  // NOLINT(*-avoid-c-arrays)
        expects(std::has_single_bit(capacity));
    }

    std::size_t capacity() const noexcept { return mask_ + 1; }

    // Producer only. False: the ring is full and the value was not taken.
    [[nodiscard]] bool push(const T& value) noexcept {
        if (free_slots(1) == 0) {
            return false;
        }
        slots_[tail_written_ & mask_] = value;
        ++tail_written_;
        ask_for_slot(tail_written_ + slots_ahead);
        return true;
    }

    // Producer only. Slots that push() may still fill; looks at the consumer's progress only when
    // fewer than `wanted` are known to be free.
    std::size_t free_slots(std::size_t wanted) noexcept {
        if (capacity() - (tail_written_ - head_seen_) < wanted) {
            // Pairs with the release in consume(): the consumer is done with the slots before head.
            head_seen_ = head_.load(std::memory_order_acquire);
        }
        return capacity() - (tail_written_ - head_seen_);
    }

    // Producer only: pushed and not yet shown to the consumer.
    std::size_t unpublished() const noexcept {
        return tail_written_ - tail_.load(std::memory_order_relaxed);
    }

    // Producer only. One of those, the oldest being 0; valid until publish().
    const T& unpublished_value(std::size_t index) const noexcept {
        return slots_[(tail_.load(std::memory_order_relaxed) + index) & mask_];
    }

    // Producer only. Shows everything pushed so far to the consumer.
    void publish() noexcept { tail_.store(tail_written_, std::memory_order_release); }

    // Consumer only. The values that wait, oldest first, as far as they lie in one piece; valid
    // until consume().
    std::span<const T> readable() noexcept {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_seen_) {
            // Pairs with the release in publish(): the slots before tail are written.
            tail_seen_ = tail_.load(std::memory_order_acquire);
        }
        const std::size_t first = head & mask_;
        const std::size_t in_one_piece = capacity() - first;
        const std::size_t waiting = tail_seen_ - head;
        return {&slots_[first], waiting < in_one_piece ? waiting : in_one_piece};
    }

    // Consumer only. The value behind `ahead` others that wait; null: so many do not wait. Valid
    // until consume().
    const T* peek(std::size_t ahead) noexcept {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (tail_seen_ - head <= ahead) {
            // Pairs with the release in publish(): the slots before tail are written.
            tail_seen_ = tail_.load(std::memory_order_acquire);
        }
        return tail_seen_ - head <= ahead ? nullptr : &slots_[(head + ahead) & mask_];
    }

    // Consumer only. Gives the `count` oldest slots back; they were seen by readable() or peek().
    void consume(std::size_t count) noexcept {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        expects(count <= tail_seen_ - head);
        head_.store(head + count, std::memory_order_release);
    }

    // Any thread: values published and not yet consumed; a little late.
    std::size_t waiting() const noexcept {
        const std::size_t head = head_.load(std::memory_order_acquire);
        return tail_.load(std::memory_order_acquire) - head;
    }

private:
    // Large values: the consumer read a slot's lines last, and a core that writes them waits until
    // it has them back, 100 ns and more each. So they are asked for some values ahead.
    static constexpr std::size_t slots_ahead = 8;
    void ask_for_slot(std::size_t index) noexcept {
        if constexpr (sizeof(T) >= cache_line_octets) {
            auto* const octets =
                std::as_writable_bytes(std::span{&slots_[index & mask_], 1}).data();
            for (std::size_t at = 0; at < sizeof(T); at += cache_line_octets) {
                prefetch_to_write(octets + at);
            }
        }
    }

    // Each side writes one line and keeps its own copy of the other side's index.
    alignas(cache_line_octets) std::atomic<std::size_t> tail_{0};
    std::size_t tail_written_ = 0;  // producer's: written, perhaps not yet published
    std::size_t head_seen_ = 0;     // producer's
    alignas(cache_line_octets) std::atomic<std::size_t> head_{0};
    std::size_t tail_seen_ = 0;  // consumer's
    alignas(cache_line_octets) std::size_t mask_;
    std::unique_ptr<T[]> slots_;  // NOLINT(*-avoid-c-arrays): size known at run time, never grows
};

}  // namespace tapmeter
