#include "pipeline/inspect/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

namespace tapmeter::inspect {
namespace {

constexpr std::size_t two_megabytes = std::size_t{2} << 20U;  // what a region is rounded to

Arena arena_of(std::size_t octets) {
    return std::move(*Arena::reserve(octets, false));
}

TEST(Arena, gives_blocks_that_do_not_overlap) {
    Arena arena = arena_of(4 * two_megabytes);
    std::mt19937_64 random(1);
    struct Block {
        std::size_t octets;
        unsigned char mark;
    };
    std::map<unsigned char*, Block> out;
    for (unsigned step = 0; step < 20'000; ++step) {
        const std::size_t octets = random() % 1'500;
        const auto mark = static_cast<unsigned char>(step);
        auto* const block = static_cast<unsigned char*>(arena.allocate(octets));
        ASSERT_NE(block, nullptr);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 16, 0U);
        std::memset(block, mark, octets);
        out.emplace(block, Block{octets, mark});
        if (out.size() > 500) {
            const auto victim = std::next(out.begin(), static_cast<long>(random() % out.size()));
            for (std::size_t i = 0; i < victim->second.octets; ++i) {
                ASSERT_EQ(victim->first[i], victim->second.mark);
            }
            arena.release(victim->first);
            out.erase(victim);
        }
    }
    for (const auto& [block, what] : out) {
        arena.release(block);
    }
    EXPECT_EQ(arena.used(), 0U);
    EXPECT_EQ(arena.refused(), 0U);
}

TEST(Arena, takes_a_block_back_for_the_next_of_its_size) {
    Arena arena = arena_of(two_megabytes);
    void* const first = arena.allocate(100);
    arena.release(first);
    const std::size_t left = arena.left();
    EXPECT_EQ(arena.allocate(97), first) << "the same size class";
    EXPECT_EQ(arena.left(), left);
    EXPECT_NE(arena.allocate(97), first);
}

TEST(Arena, refuses_what_it_has_not_and_goes_on) {
    Arena arena = arena_of(two_megabytes);
    std::size_t blocks = 0;
    void* last = nullptr;
    for (void* block = arena.allocate(100'000); block != nullptr; block = arena.allocate(100'000)) {
        last = block;
        ++blocks;
    }
    EXPECT_GE(blocks, 15U);
    EXPECT_EQ(arena.refused(), 1U);
    EXPECT_NE(arena.allocate(16), nullptr) << "a small one still fits";
    arena.release(last);
    EXPECT_EQ(arena.allocate(100'000), last);
    arena.release(nullptr);
}

TEST(Arena, takes_nothing_back_twice_and_nothing_of_others) {
    Arena arena = arena_of(two_megabytes);
    void* const block = arena.allocate(100);
    arena.release(block);
    arena.release(block);
    EXPECT_EQ(arena.used(), 0U);
    EXPECT_EQ(arena.allocate(100), block);
    EXPECT_NE(arena.allocate(100), block) << "it is out";
    int other = 0;
    arena.release(&other);
    arena.release(static_cast<std::byte*>(block) + 8);
    EXPECT_EQ(arena.allocate(100) == nullptr, false);
}

TEST(Arena, knows_its_largest_block) {
    Arena arena = arena_of(3 * Arena::block_octets_max);
    EXPECT_NE(arena.allocate(Arena::block_octets_max), nullptr);
    EXPECT_EQ(arena.allocate(Arena::block_octets_max + 1), nullptr);
    EXPECT_NE(arena.allocate(0), nullptr);
}

}  // namespace
}  // namespace tapmeter::inspect
