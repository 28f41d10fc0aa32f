#include "src/generator/conversation.h"

#include <gtest/gtest.h>

#include <set>

#include "pipeline/decode/frame.h"

namespace tapmeter::generator {
namespace {

decode::Headers decoded(Conversation& conversation) {
    std::array<std::byte, frame_octets_max> frame{};
    const std::size_t octets = conversation.next(frame);
    const auto headers = decode::decode_frame(
        {.frame = Bytes(frame).first(octets), .wire_octets = static_cast<std::uint32_t>(octets)});
    EXPECT_TRUE(headers);
    return headers.value_or(decode::Headers{});
}

TEST(Conversation, opens_with_a_handshake_and_ends_with_fin_both_ways) {
    Conversation conversation(0);
    std::vector<std::uint16_t> bits;
    while (!conversation.finished()) {
        bits.push_back(decoded(conversation).tcp_control_bits);
    }
    ASSERT_EQ(bits.size(), conversation.packets());
    EXPECT_EQ(bits[0], 0x02);
    EXPECT_EQ(bits[1], 0x12);
    EXPECT_EQ(bits[2], 0x10);
    EXPECT_EQ(bits[bits.size() - 3] & bits[bits.size() - 2] & 0x01, 0x01) << "FIN both ways";
}

TEST(Conversation, numbers_give_both_families_and_both_transports) {
    std::set<std::pair<int, int>> kinds;
    for (std::uint64_t number = 0; number < 8; ++number) {
        Conversation conversation(number);
        const auto headers = decoded(conversation);
        kinds.emplace(headers.ip_version, headers.protocol);
    }
    EXPECT_EQ(kinds, (std::set<std::pair<int, int>>{{4, 6}, {4, 17}, {6, 6}, {6, 17}}));
}

TEST(Conversation, the_same_number_is_the_same_conversation) {
    std::array<std::byte, frame_octets_max> one{};
    std::array<std::byte, frame_octets_max> other{};
    Conversation first(123);
    Conversation second(123);
    while (!first.finished()) {
        ASSERT_EQ(first.next(one), second.next(other));
        ASSERT_EQ(one, other);
    }
    EXPECT_TRUE(second.finished());
}

}  // namespace
}  // namespace tapmeter::generator
