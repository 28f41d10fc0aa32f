#include "src/saving/blocks.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string_view>

namespace tapmeter::saving {
namespace {

std::uint32_t word(Bytes octets, std::size_t at) {
    std::uint32_t value = 0;
    std::memcpy(&value, octets.subspan(at, sizeof(value)).data(), sizeof(value));
    return value;
}

bool holds(Bytes octets, std::string_view text) {
    const std::string_view all(
        reinterpret_cast<const char*>(octets.data()),  // NOLINT(*-cast): text
        octets.size());
    return all.find(text) != std::string_view::npos;
}

// Each block says its length in front and behind, a multiple of four.
std::size_t count_blocks(Bytes octets) {
    std::size_t blocks = 0;
    while (!octets.empty()) {
        const std::uint32_t total = word(octets, 4);
        EXPECT_EQ(total % 4, 0U);
        EXPECT_LE(total, octets.size());
        EXPECT_EQ(word(octets, total - 4), total);
        octets = octets.subspan(total);
        ++blocks;
    }
    return blocks;
}

TEST(Blocks, say_their_length_twice) {
    Blocks blocks;
    blocks.section();
    EXPECT_EQ(word(blocks.octets(), 0), 0x0a0d0d0aU);
    EXPECT_EQ(word(blocks.octets(), 8), 0x1a2b3c4dU);
    blocks.interface({.link_type = 1, .snap_octets = 96, .name = "eth1", .filter = "udp"});
    blocks.interface({.link_type = 101, .snap_octets = 0, .name = "", .filter = ""});
    const std::array<std::byte, 9> frame{};
    for (std::uint32_t octets = 0; octets <= frame.size(); ++octets) {
        blocks.packet(1, {.observed_ns = 5, .octets = octets, .wire_octets = 60},
                      Bytes(frame).first(octets));
    }
    blocks.statistics(0, {.received = 10,
                          .dropped = 1,
                          .written = 9,
                          .started_ns = 1,
                          .ended_ns = 2,
                          .comment = "dropped rx_missed 1"});
    EXPECT_EQ(count_blocks(blocks.octets()), 1U + 2 + 10 + 1);
    EXPECT_TRUE(holds(blocks.octets(), "eth1"));
    EXPECT_TRUE(holds(blocks.octets(), "dropped rx_missed 1"));
    blocks.clear();
    EXPECT_TRUE(blocks.octets().empty());
}

TEST(Blocks, packets_carry_time_and_lengths) {
    Blocks blocks;
    const std::array<std::byte, 4> frame{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
    blocks.packet(7, {.observed_ns = 0x1'0000'0002, .octets = 4, .wire_octets = 1'500}, frame);
    const Bytes octets = blocks.octets();
    EXPECT_EQ(word(octets, 0), 6U);
    EXPECT_EQ(word(octets, 8), 7U);
    EXPECT_EQ(word(octets, 12), 1U);
    EXPECT_EQ(word(octets, 16), 2U);
    EXPECT_EQ(word(octets, 20), 4U);
    EXPECT_EQ(word(octets, 24), 1'500U);
    EXPECT_EQ(octets[28], std::byte{1});
    // A time before 1970 is written as 1970, a length on the wire never below what is there.
    blocks.clear();
    blocks.packet(0, {.observed_ns = -1, .octets = 4, .wire_octets = 3}, frame);
    EXPECT_EQ(word(blocks.octets(), 12), 0U);
    EXPECT_EQ(word(blocks.octets(), 16), 0U);
    EXPECT_EQ(word(blocks.octets(), 24), 4U);
}

TEST(Blocks, link_types_have_their_numbers) {
    EXPECT_EQ(link_type_number(LinkType::ethernet), 1);
    EXPECT_EQ(link_type_number(LinkType::raw_ip), 101);
    EXPECT_EQ(link_type_number(LinkType::null_loopback), 0);
    EXPECT_EQ(link_type_number(LinkType::loop), 108);
    EXPECT_EQ(link_type_number(LinkType::linux_sll), 113);
    EXPECT_EQ(link_type_number(LinkType::linux_sll2), 276);
    EXPECT_EQ(link_type_number(LinkType::ppp), 9);
    EXPECT_EQ(link_type_number(LinkType::c_hdlc), 104);
}

}  // namespace
}  // namespace tapmeter::saving
