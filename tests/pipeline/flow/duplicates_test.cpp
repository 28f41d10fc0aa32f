#include "pipeline/flow/duplicates.h"

#include <gtest/gtest.h>

#include "pipeline/flow/common_frame.h"
#include "tests/support/frames.h"

namespace tapmeter::flow {
namespace {

using namespace std::chrono_literals;
using testing::Frame;
using testing::FrameBuilder;

Frame udp(std::uint8_t ttl, std::uint8_t service = 0) {
    return FrameBuilder{}
        .ethernet()
        .ipv4({.type_of_service = service, .time_to_live = ttl})
        .udp(1'000, 2'000)
        .frame();
}

class Copies : public ::testing::Test {
protected:
    void SetUp() override {
        auto made = Duplicates::make({.windows = {2ms, 0ms, 5ms}, .populate = false}, {1, 2});
        ASSERT_TRUE(made.has_value());
        duplicates = std::move(*made);
    }
    bool is_copy(const Frame& frame, Nanoseconds at, std::uint16_t point = 0) {
        const Bytes ip = Bytes{frame}.subspan(14);
        return duplicates->is_copy(ip, {.at = ObservedAt{1s + at},
                                        .octets = static_cast<std::uint32_t>(ip.size()),
                                        .observation_point = point});
    }
    std::unique_ptr<Duplicates> duplicates;
};

TEST_F(Copies, up_to_the_window_and_not_beyond) {
    EXPECT_FALSE(is_copy(udp(64), 0ms));
    EXPECT_TRUE(is_copy(udp(64), 2ms));
    EXPECT_FALSE(is_copy(udp(64), 2ms + 1ns)) << "the window counts from the packet, not its copy";
    EXPECT_TRUE(is_copy(udp(64), 3ms));
}

TEST_F(Copies, that_come_before_their_packet_are_copies_too) {
    EXPECT_FALSE(is_copy(udp(64), 2ms));
    EXPECT_TRUE(is_copy(udp(64), 0ms));
}

TEST_F(Copies, what_a_router_changes_makes_no_other_packet) {
    EXPECT_FALSE(is_copy(udp(64), 0ms));
    EXPECT_TRUE(is_copy(udp(63), 1ms));
    EXPECT_TRUE(is_copy(udp(62, 0xb8), 1ms));
}

TEST_F(Copies, any_other_octet_makes_another_packet) {
    const Frame frame = FrameBuilder{}.ethernet().ipv4({}).udp(1, 2).fill(120, 7).frame();
    EXPECT_FALSE(is_copy(frame, 0ms));
    for (std::size_t at = 0; at < Duplicates::octets_looked_at; ++at) {
        Frame other = frame;
        other[14 + at] ^= std::byte{0x01};
        const bool changes = at == 1 || at == 8 || at == 10 || at == 11;
        EXPECT_EQ(is_copy(other, 0ms), changes) << at;
    }
    Frame beyond = frame;
    beyond.back() ^= std::byte{1};
    EXPECT_TRUE(is_copy(beyond, 0ms)) << "only so many octets are looked at";
    beyond.push_back(std::byte{0});
    EXPECT_FALSE(is_copy(beyond, 0ms)) << "but its length is";
}

TEST_F(Copies, of_ipv6_by_the_same_rules) {
    const Frame frame = FrameBuilder{}.ethernet(0x86dd).ipv6({}).udp(1, 2).frame();
    EXPECT_FALSE(is_copy(frame, 0ms));
    for (std::size_t at = 0; at < 40; ++at) {
        Frame other = frame;
        other[14 + at] ^= std::byte{0x10};
        // The traffic class lies across octets 0 and 1: here its lowest upper bit, and one below.
        const bool changes = at == 1 || at == 7;
        if (at != 0) {  // the version itself
            EXPECT_EQ(is_copy(other, 0ms), changes) << at;
        }
    }
    Frame other = frame;
    other[14] ^= std::byte{0x04};  // upper half of the traffic class
    EXPECT_TRUE(is_copy(other, 1ms));
}

TEST_F(Copies, go_by_the_window_of_the_point_where_they_arrive) {
    EXPECT_FALSE(is_copy(udp(64), 0ms, 0));
    EXPECT_FALSE(is_copy(udp(64), 1ms, 1)) << "no window there";
    EXPECT_TRUE(is_copy(udp(64), 4ms, 2));
    EXPECT_FALSE(is_copy(udp(64), 1ms, 3)) << "not among the settings";
}

TEST_F(Copies, every_length_down_to_nothing_is_safe) {
    const Frame frame = udp(64);
    for (std::size_t octets = 0; octets < frame.size() - 14; ++octets) {
        const Frame cut(frame.begin() + 14,
                        frame.begin() + 14 + static_cast<std::ptrdiff_t>(octets));
        const Observation packet{.at = ObservedAt{1s * static_cast<std::int64_t>(octets)},
                                 .octets = 28};
        EXPECT_FALSE(duplicates->is_copy(cut, packet)) << octets;
        EXPECT_EQ(duplicates->is_copy(cut, packet), octets != 0) << octets;
    }
}

TEST_F(Copies, a_full_memory_forgets_and_counts_it) {
    Frame frame = udp(64);
    const std::size_t packets = 2 * Duplicates::packets_max;
    for (std::size_t i = 0; i < packets; ++i) {
        for (std::size_t octet = 0; octet < 4; ++octet) {
            frame[14 + 12 + octet] = static_cast<std::byte>(i >> (8 * octet));
        }
        EXPECT_FALSE(is_copy(frame, 0ms)) << i;
    }
    EXPECT_GE(duplicates->forgotten(), packets - Duplicates::packets_max);
    EXPECT_LT(duplicates->forgotten(), packets);
}

TEST(DuplicateSettings, are_off_without_a_window) {
    EXPECT_FALSE(Duplicates::Settings{}.any());
    EXPECT_FALSE((Duplicates::Settings{.windows = {0ms, 0ms}}.any()));
    EXPECT_TRUE((Duplicates::Settings{.windows = {0ms, 1ms}}.any()));
    EXPECT_EQ(Duplicates::octets_for({}), 0);
    EXPECT_EQ(Duplicates::octets_for({.windows = {1ms}}), 4U << 20U);
}

TEST(CommonIp, is_the_ip_packet_of_a_common_frame) {
    const auto plain = FrameBuilder{}.ethernet().ipv4({}).udp(1, 2).padded(60).frame();
    const auto tagged = FrameBuilder{}.ethernet().vlan(7).ipv4({}).udp(1, 2).frame();
    EXPECT_EQ(common_ip(testing::packet_of(plain), 28).size(), 28);
    EXPECT_EQ(common_ip(testing::packet_of(plain), 28).data(), &plain[14]);
    EXPECT_EQ(common_ip(testing::packet_of(tagged), 2'000).data(), &tagged[18]);
    EXPECT_EQ(common_ip(testing::packet_of(tagged), 2'000).size(), 28);
}

}  // namespace
}  // namespace tapmeter::flow
