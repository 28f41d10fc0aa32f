#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "pipeline/base/ring.h"

namespace tapmeter {

// A block of counters that one thread publishes whole and any thread reads whole: a sequence
// lock. The writer never waits; a reader retries while a publish is in progress, so what it sees
// is one consistent cut (all counters of the same burst).
//
// Every word is stored with release and loaded with acquire instead of using fences, which thread
// sanitizers do not understand; on x86 both are plain moves.
template <class Block>
class alignas(cache_line_octets) Published {
    static_assert(std::is_trivially_copyable_v<Block>);
    static_assert(sizeof(Block) % sizeof(std::uint64_t) == 0, "published as 64-bit words");
    static constexpr std::size_t words = sizeof(Block) / sizeof(std::uint64_t);

public:
    // The one writer only.
    void publish(const Block& block) noexcept {
        const auto from = std::bit_cast<std::array<std::uint64_t, words>>(block);
        const std::uint64_t sequence = sequence_.load(std::memory_order_relaxed);
        sequence_.store(sequence + 1, std::memory_order_relaxed);  // odd: in progress
        for (std::size_t i = 0; i < words; ++i) {
            // A reader that sees this word sees the odd sequence too: its second look differs.
            words_[i].store(from[i], std::memory_order_release);
        }
        sequence_.store(sequence + 2, std::memory_order_release);
    }

    // Any thread.
    Block read() const noexcept {
        std::array<std::uint64_t, words> copy{};
        for (;;) {
            // Pairs with the last store of publish(): all words of that publish are visible.
            const std::uint64_t before = sequence_.load(std::memory_order_acquire);
            for (std::size_t i = 0; i < words; ++i) {
                copy[i] = words_[i].load(std::memory_order_acquire);
            }
            if (before % 2 == 0 && sequence_.load(std::memory_order_relaxed) == before) {
                return std::bit_cast<Block>(copy);
            }
        }
    }

    // Of a writer that is no more: what it published last; nothing where it ended while publishing,
    // or never did.
    std::optional<Block> last() const noexcept {
        const std::uint64_t sequence = sequence_.load(std::memory_order_acquire);
        return sequence == 0 || sequence % 2 != 0 ? std::optional<Block>{} : read();
    }

private:
    std::atomic<std::uint64_t> sequence_{0};
    std::array<std::atomic<std::uint64_t>, words> words_{};
};

}  // namespace tapmeter
