#include "src/saving/time_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <vector>

#include "src/saving/blocks.h"
#include "tests/src/saving/folder.h"

namespace tapmeter::saving {
namespace {

using testing::Folder;

void packet(Blocks& blocks, std::int64_t time, std::uint8_t octet, std::size_t octets = 5) {
    const std::vector<std::byte> frame(octets, std::byte{octet});
    blocks.packet(0,
                  {.observed_ns = time,
                   .octets = static_cast<std::uint32_t>(octets),
                   .wire_octets = static_cast<std::uint32_t>(octets)},
                  frame);
}

void begin(Blocks& blocks) {
    blocks.section("why");
    blocks.interface({.link_type = 1, .snap_octets = 0, .name = "a", .filter = ""});
}

std::string text_of(const Blocks& blocks) {
    const Bytes octets = blocks.octets();
    std::string text(octets.size(), '\0');
    std::memcpy(text.data(), octets.data(), octets.size());
    return text;
}

std::string octets_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

TEST(TimeOrder, sorts_packets_and_keeps_the_order_of_equal_times) {
    Folder folder;
    Blocks mixed;
    begin(mixed);
    packet(mixed, 5'000'000'000, 1);
    packet(mixed, 1, 2);
    mixed.interface({.link_type = 101, .snap_octets = 0, .name = "b", .filter = ""});
    packet(mixed, 5'000'000'000, 3, 1'000);
    packet(mixed, 2, 4);
    mixed.statistics(0, {});
    Blocks sorted;
    begin(sorted);
    sorted.interface({.link_type = 101, .snap_octets = 0, .name = "b", .filter = ""});
    packet(sorted, 1, 2);
    packet(sorted, 2, 4);
    packet(sorted, 5'000'000'000, 1);
    packet(sorted, 5'000'000'000, 3, 1'000);
    sorted.statistics(0, {});

    write(folder / "x", text_of(mixed));
    ASSERT_TRUE(put_in_time_order(folder / "x"));
    EXPECT_EQ(octets_of(folder / "x"), text_of(sorted));
    EXPECT_EQ(folder.names(), std::vector<std::string>{"x"});
}

TEST(TimeOrder, leaves_a_file_that_is_in_order_and_one_that_is_empty) {
    Folder folder;
    Blocks blocks;
    begin(blocks);
    packet(blocks, 1, 1);
    packet(blocks, 1, 2);
    write(folder / "x", text_of(blocks) + "cut");
    write(folder / "empty", "");
    EXPECT_TRUE(put_in_time_order(folder / "x"));
    EXPECT_TRUE(put_in_time_order(folder / "empty"));
    EXPECT_EQ(octets_of(folder / "x"), text_of(blocks) + "cut");
}

TEST(TimeOrder, a_file_that_ends_within_a_block_ends_behind_the_last_whole_one) {
    Folder folder;
    Blocks blocks;
    begin(blocks);
    packet(blocks, 9, 1);
    packet(blocks, 1, 2);
    const std::string wanted_octets = text_of(blocks);
    packet(blocks, 0, 3);
    for (std::size_t size = wanted_octets.size(); size < blocks.octets().size(); ++size) {
        write(folder / "x", text_of(blocks).substr(0, size));
        ASSERT_TRUE(put_in_time_order(folder / "x"));
        EXPECT_EQ(octets_of(folder / "x").size(), wanted_octets.size()) << size;
    }
}

TEST(TimeOrder, says_what_cannot_be_read) {
    const auto none = put_in_time_order("/nowhere/x");
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().message, ::testing::HasSubstr("/nowhere/x"));
}

}  // namespace
}  // namespace tapmeter::saving
