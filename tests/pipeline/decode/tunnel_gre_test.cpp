#include "pipeline/decode/tunnel_gre.h"

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

FrameBuilder gre(std::uint16_t flags, std::uint16_t type) {
    return outer(47).be16(flags).be16(type);
}

TEST(Gre, sequence_numbers_are_kept) {
    auto frame = gre(0x1000, 0x88be).be32(0xfffffffe).be32(0x1000'0001).be32(0);
    const Walked walked = walk(inner_ethernet(frame));

    ASSERT_TRUE(walked.is_inside());
    EXPECT_TRUE(walked.tunnels.numbered);
    EXPECT_EQ(walked.tunnels.sequence, 0xffff'fffeU);
}

TEST(Gre, without_sequence_number_says_so) {
    auto frame = gre(0, 0x0800);
    EXPECT_FALSE(walk(inner_ipv4(frame)).tunnels.numbered);
}

TEST(Gre, of_another_version_or_with_source_routes_is_left) {
    EXPECT_EQ(why_not(gre(0x0002, 0x0800).fill(40)), NotEntered::implausible);
    EXPECT_EQ(why_not(gre(0x4000, 0x0800).fill(40)), NotEntered::implausible);
}

TEST(Gre, that_carries_what_is_no_ip_is_left) {
    EXPECT_EQ(why_not(gre(0, 0x0806).fill(40)), NotEntered::no_ip);
    EXPECT_EQ(why_not(gre(0, 0x0000)), NotEntered::truncated) << "an 802.2 header belongs here";
}

TEST(Erspan, of_another_version_is_left) {
    EXPECT_EQ(why_not(gre(0x1000, 0x88be).be32(1).be32(0x2000'0001).fill(60)),
              NotEntered::implausible);
    EXPECT_EQ(why_not(gre(0x1000, 0x22eb).be32(1).be32(0x1000'0001).fill(60)),
              NotEntered::implausible);
    EXPECT_EQ(why_not(gre(0x1000, 0x22eb).be32(1).be32(0x2000'0001).be32(0).be32(1U << 10U)),
              NotEntered::implausible)
        << "a frame type that is neither Ethernet nor IP";
}

TEST(Pptp, without_payload_is_the_tunnels_own) {
    EXPECT_EQ(why_not(gre(0x2081, 0x880b).be16(0).be16(1).be32(9)), NotEntered::no_ip);
}

TEST(Pptp, needs_its_key_and_its_type) {
    EXPECT_EQ(why_not(gre(0x1001, 0x880b).be32(1).fill(40)), NotEntered::implausible);
    EXPECT_EQ(why_not(gre(0x2001, 0x0800).be32(0x0028'0001).fill(40)), NotEntered::implausible);
}

}  // namespace
}  // namespace tapmeter::decode
