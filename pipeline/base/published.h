#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

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
        const Octets from = std::as_bytes(std::span<const Block, 1>{&block, 1});
        const std::uint64_t sequence = sequence_.load(std::memory_order_relaxed);
        sequence_.store(sequence + 1, std::memory_order_relaxed);  // odd: in progress
        for (std::size_t first = 0; first + words_at_once <= words; first += words_at_once) {
            publish_words(from, first, std::make_index_sequence<words_at_once>{});
        }
        constexpr std::size_t rest = words % words_at_once;
        publish_words(from, words - rest, std::make_index_sequence<rest>{});
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
    using Octets = std::span<const std::byte, sizeof(Block)>;
    static constexpr std::size_t words_at_once = 8;  // a load and a store each, and no loop

    template <std::size_t... i>
    void publish_words([[maybe_unused]] Octets block, [[maybe_unused]] std::size_t first,
                       std::index_sequence<i...>) noexcept {
        (publish_word(block, first + i), ...);
    }
    // A reader that sees this word sees the odd sequence too: its second look differs.
    void publish_word(Octets block, std::size_t i) noexcept {
        std::uint64_t word = 0;
        std::memcpy(&word, block.subspan(i * sizeof(word)).data(), sizeof(word));
        words_[i].store(word, std::memory_order_release);
    }

    std::atomic<std::uint64_t> sequence_{0};
    std::array<std::atomic<std::uint64_t>, words> words_{};
};

}  // namespace tapmeter
