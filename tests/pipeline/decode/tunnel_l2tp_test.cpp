#include "pipeline/decode/tunnel_l2tp.h"

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

TEST(L2tp, control_messages_are_the_tunnels_own) {
    EXPECT_EQ(why_not(outer_udp(1701).be16(0xc802).fill(20)), NotEntered::no_ip);
    EXPECT_EQ(why_not(outer_udp(1701).be16(0xc803).fill(20)), NotEntered::no_ip);
    EXPECT_EQ(why_not(outer(115).be32(0).fill(20)), NotEntered::no_ip);
}

TEST(L2tp, of_another_version_is_left) {
    EXPECT_EQ(why_not(outer_udp(1701).be16(0x0001).fill(20)), NotEntered::implausible);
    EXPECT_EQ(why_not(outer_udp(1701).be16(0x0004).fill(20)), NotEntered::implausible);
}

TEST(L2tp, an_offset_beyond_the_packet_is_cut) {
    EXPECT_EQ(why_not(outer_udp(1701).be16(0x0202).be32(1).be16(9).fill(8)), NotEntered::truncated);
}

TEST(L2tp, version_3_enters_only_what_looks_right) {
    EXPECT_EQ(why_not(outer(115).be32(7).fill(60, 0x11)), NotEntered::implausible);
    FrameBuilder far = outer(115).be32(7).fill(16, 0xee);  // no cookie and sublayer have 16 octets
    EXPECT_EQ(why_not(inner_ethernet(far)), NotEntered::implausible);
    FrameBuilder bare = outer(115).be32(7);
    EXPECT_TRUE(walk(inner_ipv6(bare)).is_inside());
    FrameBuilder ppp = outer(115).be32(7).fill(4, 0xee).be32(0xff03'0021);
    EXPECT_TRUE(walk(inner_ipv4(ppp)).is_inside());
}

}  // namespace
}  // namespace tapmeter::decode
