#include "pipeline/decode/ethernet.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "pipeline/decode/frame.h"
#include "tests/support/frames.h"

namespace tapmeter::decode {
namespace {

using testing::Frame;
using testing::FrameBuilder;
using testing::packet_of;

Decoded<Headers> decoded(const FrameBuilder& builder) {
    const Frame frame = builder.frame();
    auto headers = decode_frame(packet_of(frame));
    if (headers) {
        headers->payload = {};  // a view of a frame that ends with this function
    }
    return headers;
}

struct Kind {
    const char* name;
    std::uint16_t ethertype;
    NonIp kind;
};

class EthernetKind : public ::testing::TestWithParam<Kind> {};

TEST_P(EthernetKind, is_named_with_and_without_a_tag) {
    const auto& [name, ethertype, kind] = GetParam();

    const auto bare = decoded(FrameBuilder{}.ethernet(ethertype).fill(46));
    const auto tagged = decoded(FrameBuilder{}.ethernet(ethertype).vlan(9).fill(46));

    ASSERT_TRUE(bare && tagged);
    EXPECT_EQ(bare->ip_version, 0);
    EXPECT_EQ(bare->non_ip, kind);
    EXPECT_EQ(bare->vlan, 0);
    EXPECT_EQ(tagged->non_ip, kind);
    EXPECT_EQ(tagged->vlan, 9);
}

INSTANTIATE_TEST_SUITE_P(
    , EthernetKind,
    ::testing::Values(Kind{"arp", 0x0806, NonIp::arp}, Kind{"rarp", 0x8035, NonIp::arp},
                      Kind{"lldp", 0x88cc, NonIp::lldp}, Kind{"lacp", 0x8809, NonIp::lacp},
                      Kind{"macsec", 0x88e5, NonIp::macsec}, Kind{"ptp", 0x88f7, NonIp::ptp},
                      Kind{"eapol", 0x888e, NonIp::eapol},
                      Kind{"pppoe_discovery", 0x8863, NonIp::pppoe},
                      Kind{"profinet", 0x8892, NonIp::other},
                      Kind{"length_1500_is_llc", 1500, NonIp::llc},
                      Kind{"length_1501_is_neither", 1501, NonIp::other},
                      Kind{"type_1535_is_neither", 0x05ff, NonIp::other},
                      Kind{"type_1536_is_a_type", 0x0600, NonIp::other}),
    [](const auto& test) { return test.param.name; });

struct Tags {
    const char* name;
    std::vector<std::uint16_t> ids;  // from the outside in
    std::uint16_t vlan;
    std::uint16_t customer_vlan;
};

class EthernetTags : public ::testing::TestWithParam<Tags> {};

TEST_P(EthernetTags, the_outer_two_are_kept) {
    const Tags& tags = GetParam();
    FrameBuilder builder = FrameBuilder{}.ethernet();
    for (const std::uint16_t id : tags.ids) {
        builder.vlan(id);
    }

    const auto headers = decoded(builder.ipv4().udp(1, 2));

    ASSERT_TRUE(headers);
    EXPECT_EQ(headers->ip_version, 4);
    EXPECT_EQ(headers->vlan, tags.vlan);
    EXPECT_EQ(headers->customer_vlan, tags.customer_vlan);
}

INSTANTIATE_TEST_SUITE_P(, EthernetTags,
                         ::testing::Values(Tags{"none", {}, 0, 0}, Tags{"one", {7}, 7, 0},
                                           Tags{"highest_id", {4095}, 4095, 0},
                                           Tags{"priority_bits_are_no_id", {0xe007}, 7, 0},
                                           Tags{"priority_tag", {0xe000}, 0, 0},
                                           Tags{"two", {7, 8}, 7, 8},
                                           Tags{"priority_tag_outside", {0, 8}, 0, 8},
                                           Tags{"three", {7, 8, 9}, 7, 8},
                                           Tags{"as_many_as_we_read", {7, 8, 9, 10}, 7, 8}),
                         [](const auto& test) { return test.param.name; });

TEST(Ethernet, one_tag_more_than_we_read_is_counted) {
    FrameBuilder builder = FrameBuilder{}.ethernet();
    for (unsigned tag = 0; tag < vlan_tags_max; ++tag) {
        builder.vlan(7);
    }
    EXPECT_TRUE(decoded(FrameBuilder{builder}.ipv4().udp(1, 2)));

    const auto one_more = decoded(FrameBuilder{builder}.vlan(7).ipv4().udp(1, 2));
    ASSERT_FALSE(one_more);
    EXPECT_EQ(one_more.error(), Undecoded::too_many_tags);
}

TEST(Ethernet, every_kind_of_tag_may_stand_in_every_place) {
    constexpr std::array<std::uint16_t, 3> ethertypes{0x8100, 0x88a8, 0x9100};
    for (const std::uint16_t outer : ethertypes) {
        for (const std::uint16_t inner : ethertypes) {
            const auto headers =
                decoded(FrameBuilder{}.ethernet().vlan(7, outer).vlan(8, inner).ipv4().udp(1, 2));
            ASSERT_TRUE(headers);
            EXPECT_EQ(headers->vlan, 7);
            EXPECT_EQ(headers->customer_vlan, 8);
        }
    }
}

TEST(Ethernet, a_tag_may_stand_in_front_of_a_length) {
    // vlan() puts the tag in front of the type, here the length of an 802.2 frame.
    const auto headers =
        decoded(FrameBuilder{}.ethernet(43).vlan(7).bytes({0x42, 0x42, 3}).fill(40));

    ASSERT_TRUE(headers);
    EXPECT_EQ(headers->non_ip, NonIp::llc);
    EXPECT_EQ(headers->vlan, 7);
}

TEST(Ethernet, snap_carries_whatever_has_an_ethertype) {
    const auto arp = decoded(FrameBuilder{}.llc_snap(0x0806).fill(28));
    const auto foreign = decoded(FrameBuilder{}.llc_snap(0x0800, 0x0080c2).ipv4().udp(1, 2));
    const auto numbered = decoded(FrameBuilder{}.ethernet(40).bytes({0xaa, 0xaa, 0}).fill(40));

    ASSERT_TRUE(arp && foreign && numbered);
    EXPECT_EQ(arp->non_ip, NonIp::arp);
    EXPECT_EQ(foreign->non_ip, NonIp::llc);
    EXPECT_EQ(foreign->ip_version, 0);
    EXPECT_EQ(numbered->non_ip, NonIp::llc);
}

TEST(Ethernet, ip_is_as_long_as_ip_says_not_as_the_frame_does) {
    Frame frame = FrameBuilder{}.llc_snap().ipv4().udp(1, 2).text("four").frame();
    frame[13] = std::byte{20};  // the length of the 802.2 frame, shorter than the IP packet

    const auto headers = decode_frame(packet_of(frame));

    ASSERT_TRUE(headers);
    EXPECT_EQ(headers->ip_octets, 32);
    EXPECT_EQ(headers->payload.size(), 4);
}

TEST(Ethernet, a_group_tag_may_stand_in_front_of_anything) {
    const auto arp = decoded(FrameBuilder{}.ethernet(0x8909).bytes({1, 1, 0, 1, 0, 9, 8, 6}));
    const auto tagged = decoded(FrameBuilder{}
                                    .ethernet(0x8909)
                                    .vlan(7)
                                    .bytes({1, 1, 0, 1, 0, 9, 0x86, 0xdd})
                                    .ipv6()
                                    .udp(1, 2));

    ASSERT_TRUE(arp && tagged);
    EXPECT_EQ(arp->non_ip, NonIp::arp);
    EXPECT_EQ(tagged->ip_version, 6);
    EXPECT_EQ(tagged->vlan, 7);
}

struct ServiceHeader {
    const char* name;
    std::uint32_t base;  // length in words in the low bits of the first half, then what follows
    std::size_t octets;
    Decoded<int> ip_version;
};

class EthernetServiceHeader : public ::testing::TestWithParam<ServiceHeader> {};

TEST_P(EthernetServiceHeader, answers) {
    const ServiceHeader& service = GetParam();
    FrameBuilder builder = FrameBuilder{}.ethernet(0x894f).be32(service.base);
    builder.fill(service.octets - 4);

    const auto headers =
        decoded((service.base & 0xffU) == 2 ? builder.ipv6().udp(1, 2) : builder.ipv4().udp(1, 2));

    EXPECT_EQ(headers.map([](const Headers& read) { return int{read.ip_version}; }),
              service.ip_version);
}

INSTANTIATE_TEST_SUITE_P(
    , EthernetServiceHeader,
    ::testing::Values(
        ServiceHeader{"one_word", 0x0fc1'0101, 4, malformed(Undecoded::bad_total_length)},
        ServiceHeader{"two_words", 0x0fc2'0201, 8, 4}, ServiceHeader{"ipv6", 0x0fc6'0102, 24, 6},
        ServiceHeader{"all_words", 0x0fff'0201, 252, 4},
        ServiceHeader{"longer_than_the_frame", 0x0fff'0201, 8, malformed(Undecoded::truncated)},
        ServiceHeader{"ethernet_is_not_entered", 0x0fc2'0203, 8, 0}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace tapmeter::decode
