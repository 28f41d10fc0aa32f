#include "pipeline/filter/packet_filter.h"

#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace tapmeter::filter {
namespace {

using testing::FrameBuilder;
using testing::packet_of;

// The frame that a program sees, octet by octet.
testing::Frame seen(const testing::Frame& frame, LinkType link = LinkType::ethernet) {
    const Sight sight = without_tags(packet_of(frame, link));
    testing::Frame all;
    for (std::uint32_t at = 0; at < frame.size() - sight.cut; ++at) {
        for (unsigned value = 0; value < 256; ++value) {
            const auto is_value = Program::verified(std::array<Instruction, 4>{
                {{0x30, 0, 0, at}, {0x15, 0, 1, value}, {0x06, 0, 0, 1}, {0x06, 0, 0, 0}}});
            if (is_value->accepts(sight)) {
                all.push_back(static_cast<std::byte>(value));
                break;
            }
        }
    }
    return all;
}

FrameBuilder& udp(FrameBuilder& frame) {
    return frame.ipv4().udp(1'000, 53).fill(10);
}

TEST(Tags, are_left_out) {
    FrameBuilder plain;
    const testing::Frame wanted = udp(plain.ethernet()).frame();
    EXPECT_EQ(without_tags(packet_of(wanted)).cut, 0U);
    for (unsigned tags = 1; tags <= 4; ++tags) {
        FrameBuilder tagged;
        tagged.ethernet();
        for (unsigned tag = 0; tag < tags; ++tag) {
            tagged.vlan(static_cast<std::uint16_t>(100 + tag),
                        tag == 0 && tags > 1 ? 0x88a8 : 0x8100);
        }
        EXPECT_EQ(seen(udp(tagged).frame()), wanted) << tags;
    }
    FrameBuilder too_many;
    too_many.ethernet().vlan(1).vlan(2).vlan(3).vlan(4).vlan(5);
    EXPECT_EQ(without_tags(packet_of(udp(too_many).frame())).cut, 16U);  // the fifth stays
}

TEST(Tags, labels_and_pppoe_are_left_out_above_ip) {
    FrameBuilder plain;
    const testing::Frame wanted = udp(plain.ethernet()).frame();
    FrameBuilder labelled;
    EXPECT_EQ(seen(udp(labelled.ethernet(0x8847).mpls(16, false).mpls(17)).frame()), wanted);
    FrameBuilder both;
    EXPECT_EQ(seen(udp(both.ethernet(0x8847).vlan(7).mpls(16)).frame()), wanted);
    FrameBuilder session;
    EXPECT_EQ(seen(udp(session.ethernet(0x8864).pppoe()).frame()), wanted);

    FrameBuilder pseudowire;
    const auto other = pseudowire.ethernet(0x8847).mpls(16).fill(40).frame();
    EXPECT_EQ(without_tags(packet_of(other)).cut, 0U);
    FrameBuilder nine;
    nine.ethernet(0x8847);
    for (unsigned label = 0; label < 9; ++label) {
        nine.mpls(16 + label, label == 8);
    }
    EXPECT_EQ(without_tags(packet_of(udp(nine).frame())).cut, 0U);
    FrameBuilder control;
    EXPECT_EQ(without_tags(packet_of(udp(control.ethernet(0x8864).pppoe(0xc021)).frame())).cut, 0U);
}

TEST(Tags, of_cooked_captures_are_left_out_too) {
    FrameBuilder plain;
    FrameBuilder tagged;
    EXPECT_EQ(seen(udp(tagged.sll(0x0800).vlan(5)).frame(), LinkType::linux_sll),
              udp(plain.sll()).frame());
}

// At every length a frame with tags is read without leaving it.
TEST(Tags, may_be_cut_anywhere) {
    FrameBuilder tagged;
    const testing::Frame whole = udp(tagged.ethernet(0x8847).vlan(1).mpls(5)).frame();
    for (std::size_t octets = 0; octets <= whole.size(); ++octets) {
        const testing::Frame part(whole.begin(),
                                  whole.begin() + static_cast<std::ptrdiff_t>(octets));
        const Sight sight = without_tags(packet_of(part));
        EXPECT_LE(sight.cut + sight.header_octets, std::max<std::size_t>(octets, 14));
        const auto program =
            Program::verified(std::array<Instruction, 2>{{{0x28, 0, 0, 12}, {0x06, 0, 0, 1}}});
        EXPECT_EQ(program->accepts(sight), octets >= 14) << octets;
    }
}

Program octet_23_is_17() {
    return *Program::verified(std::array<Instruction, 4>{
        {{0x30, 0, 0, 23}, {0x15, 0, 1, 17}, {0x06, 0, 0, 1}, {0x06, 0, 0, 0}}});
}

TEST(PacketFilters, take_out_what_they_refuse_and_keep_the_order) {
    auto filter = std::make_unique<PacketFilter>();
    filter->programs[static_cast<std::size_t>(LinkType::ethernet)] = octet_23_is_17();
    std::vector<std::unique_ptr<const PacketFilter>> by_point;
    by_point.push_back(std::move(filter));
    by_point.push_back(nullptr);
    const PacketFilters filters(std::move(by_point));

    FrameBuilder first;
    FrameBuilder second;
    FrameBuilder third;
    const auto udp_frame = udp(first.ethernet()).frame();
    const auto tcp_frame = second.ethernet().ipv4({.protocol = 6}).tcp(1, 2).frame();
    const auto tagged = udp(third.ethernet().vlan(9)).frame();
    Burst burst;
    for (const auto* frame : {&tcp_frame, &udp_frame, &tcp_frame, &tagged, &tcp_frame}) {
        burst.packets[burst.count++] = packet_of(*frame);
    }
    burst.packets[4].observation_point = 1;  // of which everything is wanted
    burst.packets[burst.count] = packet_of(udp_frame, LinkType::raw_ip);
    burst.packets[burst.count + 1] = packet_of(udp_frame, LinkType::unknown);
    burst.count += 2;

    const auto refused = filters.sift(burst);
    EXPECT_EQ(refused.packets, 4U);
    EXPECT_EQ(refused.octets, 2 * tcp_frame.size() + 2 * udp_frame.size());
    ASSERT_EQ(burst.count, 3U);
    EXPECT_EQ(burst.packets[0].frame.data(), udp_frame.data());
    EXPECT_EQ(burst.packets[1].frame.data(), tagged.data());
    EXPECT_EQ(burst.packets[2].frame.data(), tcp_frame.data());
}

TEST(PacketFilter, sees_the_frame_as_it_stands_where_told_so) {
    PacketFilter filter;
    filter.programs[static_cast<std::size_t>(LinkType::ethernet)] = octet_23_is_17();
    FrameBuilder builder;
    const auto tagged = udp(builder.ethernet().vlan(9)).frame();
    EXPECT_TRUE(filter.accepts(packet_of(tagged)));
    filter.through_tags = false;
    EXPECT_FALSE(filter.accepts(packet_of(tagged)));
}

}  // namespace
}  // namespace tapmeter::filter
