#include "pipeline/decode/tunnel_udp.h"

#include <gtest/gtest.h>

#include "tests/pipeline/decode/tunnel_frames.h"

namespace tapmeter::decode {
namespace {

using testing::FrameBuilder;

NotEntered why_not(const FrameBuilder& frame) {
    const Walked walked = walk(frame);
    EXPECT_TRUE(walked.is_outside());
    return walked.tunnels.not_entered;
}

TEST(UdpTunnel, the_destination_port_decides_between_two) {
    FrameBuilder frame = outer(17).udp(2152, 4789);
    EXPECT_TRUE(walk(inner_ethernet(vxlan(frame, 1))).is_inside());
}

TEST(UdpTunnel, ends_with_the_datagram) {
    FrameBuilder frame = outer(17).udp(1, 4789, 8 + 8 + 14 + 30);  // 3 octets less than inside
    EXPECT_EQ(why_not(inner_ethernet(vxlan(frame, 1))), NotEntered::implausible);
}

TEST(Vxlan, needs_the_flag_of_its_id) {
    FrameBuilder frame = outer_udp(4789).be32(0).be32(1U << 8U);
    EXPECT_EQ(why_not(inner_ethernet(frame)), NotEntered::implausible);
}

TEST(VxlanGpe, names_what_it_carries_within_its_list) {
    for (const std::uint32_t next : {0U, 6U, 255U}) {
        FrameBuilder frame = outer_udp(4790).be32(0x0c00'0000 | next).be32(1U << 8U);
        EXPECT_EQ(why_not(inner_ethernet(frame)), NotEntered::implausible);
    }
    FrameBuilder version = outer_udp(4790).be32(0x1c00'0003).be32(1U << 8U);
    EXPECT_EQ(why_not(inner_ethernet(version)), NotEntered::implausible);
    FrameBuilder without = outer_udp(4790).be32(0x0800'0000).be32(1U << 8U);
    EXPECT_TRUE(walk(inner_ethernet(without)).is_inside());
}

TEST(Geneve, options_and_version) {
    FrameBuilder longest = outer_udp(6081).be32(0x3f00'0800).be32(1U << 8U).fill(252);
    EXPECT_TRUE(walk(inner_ipv4(longest)).is_inside());
    EXPECT_EQ(why_not(outer_udp(6081).be32(0x3f00'0800).be32(1U << 8U).fill(251)),
              NotEntered::truncated);
    FrameBuilder version = outer_udp(6081).be32(0x4000'0800).be32(1U << 8U);
    EXPECT_EQ(why_not(inner_ipv4(version)), NotEntered::implausible);
}

TEST(Lisp, other_control_messages_are_its_own) {
    FrameBuilder request = outer_udp(4342).be32(0x1000'0000);
    EXPECT_EQ(why_not(inner_ipv4(request)), NotEntered::no_ip);
}

TEST(Teredo, carries_ipv6_and_nothing_else) {
    FrameBuilder frame = outer_udp(3544);
    EXPECT_EQ(why_not(inner_ipv4(frame)), NotEntered::implausible);
    EXPECT_EQ(why_not(outer_udp(3544).bytes({0, 1, 9, 9}).fill(9)), NotEntered::truncated);
    EXPECT_EQ(why_not(outer_udp(3544).bytes({0, 0, 1, 1})), NotEntered::truncated);
}

}  // namespace
}  // namespace tapmeter::decode
