#include "pipeline/base/published.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace tapmeter {
namespace {

struct Block {
    std::array<std::uint64_t, 32> words{};
};

TEST(Published, reads_what_was_published_last) {
    Published<Block> published;
    EXPECT_EQ(published.read().words[0], 0U);
    Block block;
    block.words.fill(7);
    published.publish(block);
    EXPECT_EQ(published.read().words[31], 7U);
}

// A reader must never see words of two publishes together.
TEST(Published, of_a_writer_that_is_no_more_there_is_the_last_or_nothing) {
    Published<Block> published;
    EXPECT_FALSE(published.last().has_value()) << "it never published";
    published.publish({});
    EXPECT_TRUE(published.last().has_value());
}

TEST(Published, a_reader_sees_one_cut) {
    Published<Block> published;
    std::atomic<bool> stop{false};
    std::thread writer([&] {
        Block block;
        while (!stop.load(std::memory_order_relaxed)) {
            block.words.fill(block.words[0] + 1);
            published.publish(block);
        }
    });
    for (int look = 0; look < 20'000; ++look) {
        const Block seen = published.read();
        ASSERT_EQ(seen.words.front(), seen.words.back());
    }
    stop = true;
    writer.join();
}

}  // namespace
}  // namespace tapmeter
