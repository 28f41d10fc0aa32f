#include "pipeline/decode/tunnel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ranges>

#include "tests/pipeline/decode/tunnel_frames.h"

namespace tapmeter::decode {
namespace {

using testing::Frame;
using testing::FrameBuilder;
using testing::packet_of;

class TunnelOfAKind : public ::testing::TestWithParam<TunnelSample> {};

TEST_P(TunnelOfAKind, is_entered_and_says_what_it_is) {
    const Walked walked = walk(GetParam().frame);

    ASSERT_TRUE(walked.is_inside()) << not_entered_names[index_of(walked.tunnels.not_entered)];
    EXPECT_EQ(walked.tunnels.layers, 1);
    EXPECT_EQ(walked.tunnels.layer[0].kind, GetParam().kind);
    EXPECT_EQ(walked.tunnels.layer[0].id, GetParam().id);
    EXPECT_EQ(walked.tunnels.not_entered, NotEntered::no_tunnel);
    EXPECT_TRUE(walked.headers->encapsulations.has(GetParam().kind));
    EXPECT_EQ(walked.tunnels.source[15], 1);
    EXPECT_EQ(walked.tunnels.destination[15], 2);
    EXPECT_EQ(walked.headers->ip_octets, (walked.headers->ip_version == 4 ? 20U : 40U) + 8U + 5U);
    EXPECT_EQ(walked.headers->payload.size(), 5U);
}

// In a heap block of each length: the cut may fall into any header. Never undecoded once the outer
// header is whole, and inside or outside, never between.
TEST_P(TunnelOfAKind, cut_anywhere_is_the_flow_inside_or_the_one_outside) {
    const Frame whole = GetParam().frame.frame();
    const std::size_t outer_octets = GetParam().frame.frame()[9] == std::byte{17} ? 24 : 20;
    bool inside = false;
    for (std::size_t octets = 0; octets <= whole.size(); ++octets) {
        const auto cut = FrameBuilder{GetParam().frame}.sized(octets);
        const Walked walked = walk(cut, LinkType::raw_ip, whole.size());
        if (GetParam().name == "ah_ip_in_ip" && octets < 44) {
            continue;  // AH is part of the outer header
        }
        ASSERT_EQ(walked.headers.has_value(), octets >= outer_octets) << "at " << octets;
        if (octets >= outer_octets) {
            ASSERT_NE(walked.is_inside(), walked.is_outside()) << "at " << octets;
            ASSERT_TRUE(walked.is_inside() || !inside) << "at " << octets;
            inside = walked.is_inside();
        }
    }
    EXPECT_TRUE(inside);
}

TEST_P(TunnelOfAKind, is_not_entered_by_decode_frame) {
    const Frame frame = GetParam().frame.frame();

    const auto headers = decode_frame(packet_of(frame, LinkType::raw_ip));

    ASSERT_TRUE(headers);
    EXPECT_EQ(headers->source[15], 1);
}

// A first fragment could be entered, but the others could not be told where they belong.
TEST_P(TunnelOfAKind, in_fragments_is_metered_outside) {
    Frame frame = GetParam().frame.frame();
    frame[6] = std::byte{0x20};
    Walked walked;
    walked.headers = decode_innermost(packet_of(frame, LinkType::raw_ip), walked.tunnels);
    EXPECT_TRUE(walked.is_outside());
    EXPECT_EQ(walked.tunnels.not_entered, NotEntered::fragment);
}

INSTANTIATE_TEST_SUITE_P(, TunnelOfAKind, ::testing::ValuesIn(tunnel_samples()),
                         [](const auto& test) { return test.param.name; });

FrameBuilder nested(unsigned layers) {
    FrameBuilder frame = outer(layers == 0 ? 17 : 4);
    for (unsigned layer = 1; layer <= layers; ++layer) {
        frame.ipv4({.protocol = static_cast<std::uint8_t>(layer == layers ? 17 : 4),
                    .source = 9,
                    .destination = 8});
    }
    return frame.udp(7, 53);
}

TEST(Tunnels, are_entered_up_to_their_limit) {
    for (unsigned layers = 1; layers <= tunnel_layers_max; ++layers) {
        const Walked walked = walk(nested(layers));
        ASSERT_TRUE(walked.is_inside());
        EXPECT_EQ(walked.tunnels.layers, layers);
    }
}

TEST(Tunnels, deeper_than_their_limit_are_metered_by_the_outermost_header) {
    for (const unsigned layers : {tunnel_layers_max + 1, 32U}) {
        const Walked walked = walk(nested(layers));
        ASSERT_TRUE(walked.is_outside());
        EXPECT_EQ(walked.headers->protocol, 4);
        EXPECT_EQ(walked.tunnels.not_entered, NotEntered::too_many_layers);
    }
}

TEST(Tunnels, keep_the_ids_of_all_layers_from_the_outside_in) {
    FrameBuilder frame = outer_udp(2152).bytes({0x30, 255}).be16(82).be32(7);
    frame.ipv4({.protocol = 17, .source = 3, .destination = 4}).udp(1, 4789);
    const Walked walked = walk(inner_ethernet(vxlan(frame, 11)).padded(0));

    ASSERT_TRUE(walked.headers);
    EXPECT_EQ(walked.tunnels.layers, 0) << "the length in GTP-U cuts the rest";

    frame = outer_udp(2152).bytes({0x30, 255}).be16(83).be32(7);
    frame.ipv4({.protocol = 17, .source = 3, .destination = 4}).udp(1, 4789);
    const Walked whole = walk(inner_ethernet(vxlan(frame, 11)));
    ASSERT_TRUE(whole.is_inside());
    ASSERT_EQ(whole.tunnels.layers, 2);
    EXPECT_EQ(whole.tunnels.layer[0].kind, Encapsulation::gtp_u);
    EXPECT_EQ(whole.tunnels.layer[0].id, 7U);
    EXPECT_EQ(whole.tunnels.layer[1].kind, Encapsulation::vxlan);
    EXPECT_EQ(whole.tunnels.layer[1].id, 11U);
    EXPECT_EQ(whole.tunnels.source[15], 1) << "of the outermost";
}

TEST(Tunnels, vlan_ids_are_those_of_the_innermost_ethernet_header) {
    FrameBuilder tagged = FrameBuilder{}.ethernet().vlan(5).ipv4().udp(1, 4789);
    vxlan(tagged, 1).ethernet().qinq(6, 7);
    const Walked inside = walk(inner_ipv4(tagged), LinkType::ethernet);
    ASSERT_TRUE(inside.is_inside());
    EXPECT_EQ(inside.headers->vlan, 6);
    EXPECT_EQ(inside.headers->customer_vlan, 7);
    EXPECT_EQ(inside.tunnels.vlan, 5);

    FrameBuilder without = FrameBuilder{}.ethernet().vlan(5).ipv4({.protocol = 4});
    const Walked same = walk(inner_ipv4(without), LinkType::ethernet);
    ASSERT_TRUE(same.is_inside());
    EXPECT_EQ(same.headers->vlan, 5) << "no Ethernet header inside";
}

TEST(Tunnels, what_cannot_be_read_inside_is_metered_outside_and_counted) {
    struct Case {
        FrameBuilder frame;
        NotEntered why;
    };
    FrameBuilder arp = outer_udp(4789);
    vxlan(arp, 1).ethernet(0x0806).fill(28);
    FrameBuilder longer = outer_udp(4789);
    vxlan(longer, 1).ethernet().ipv4({.total_octets = 1'000}).udp(1, 2);
    const std::vector<Case> cases{
        {outer(4).ipv4({.version_ihl = 0x44}).udp(1, 2), NotEntered::malformed},
        {outer(4).ipv4().fill(3), NotEntered::truncated},
        {outer(41).ipv4().fill(40), NotEntered::malformed},
        {outer(50).be32(0x77).be32(1).fill(20), NotEntered::encrypted},
        {outer(97).be16(0x3001).fill(20), NotEntered::implausible},
        {outer_udp(4789).text("a VXLAN header this is not"), NotEntered::implausible},
        {outer_udp(5247).fill(30), NotEntered::no_ip},
        {arp, NotEntered::no_ip},
        {longer, NotEntered::implausible},
    };
    for (const auto& [frame, why] : cases) {
        const Walked walked = walk(frame);
        EXPECT_TRUE(walked.is_outside());
        EXPECT_EQ(not_entered_names[index_of(walked.tunnels.not_entered)],
                  not_entered_names[index_of(why)]);
    }
}

TEST(Tunnels, security_indexes_are_kept) {
    const Walked esp = walk(outer(50).be32(0x1234).be32(1).fill(20));
    ASSERT_TRUE(esp.headers);
    EXPECT_EQ(esp.headers->security_index, 0x1234U);
    EXPECT_TRUE(esp.headers->encapsulations.has(Encapsulation::esp));

    const Walked ah = walk(outer(51).authentication(17).udp(7, 53));
    ASSERT_TRUE(ah.headers);
    EXPECT_EQ(ah.headers->security_index, 1U);
    EXPECT_TRUE(ah.headers->encapsulations.has(Encapsulation::authentication));
}

TEST(Tunnels, only_ports_of_tunnels_are_looked_behind) {
    EXPECT_FALSE(is_tunnel_port(port_l2tp - 1));
    EXPECT_TRUE(is_tunnel_port(port_l2tp));
    EXPECT_FALSE(is_tunnel_port(port_l2tp + 1));
    EXPECT_TRUE(is_tunnel_port(port_vxlan_linux));
    EXPECT_FALSE(is_tunnel_port(port_vxlan_linux + 1));
    EXPECT_EQ(std::ranges::count_if(
                  std::views::iota(0, 65'536),
                  [](int port) { return is_tunnel_port(static_cast<std::uint16_t>(port)); }),
              13);
    EXPECT_TRUE(walk(inner_ethernet(vxlan(outer(17).udp(4789, 1), 1))).is_inside());
    EXPECT_TRUE(walk(inner_ethernet(vxlan(outer(17).udp(1, 2), 1))).is_outside());
}

}  // namespace
}  // namespace tapmeter::decode
