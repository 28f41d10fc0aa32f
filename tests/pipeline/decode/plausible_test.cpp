#include "pipeline/decode/plausible.h"

#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace tapmeter::decode {
namespace {

using testing::Frame;
using testing::FrameBuilder;

bool ip(Network network, const FrameBuilder& builder, std::size_t wire_octets = 0) {
    const Frame frame = builder.frame();
    return looks_like_ip(network, Cursor{frame, wire_octets});
}
bool ethernet(const FrameBuilder& builder) {
    const Frame frame = builder.frame();
    return looks_like_ethernet(Cursor{frame, frame.size()});
}

TEST(Plausible, ipv4_by_version_and_lengths) {
    EXPECT_TRUE(ip(Network::ipv4, FrameBuilder{}.ipv4()));
    EXPECT_FALSE(ip(Network::ipv4, FrameBuilder{}.ipv4().sized(19), 60));
    EXPECT_FALSE(ip(Network::ipv4, FrameBuilder{}.ipv4({.version_ihl = 0x44})));
    EXPECT_FALSE(ip(Network::ipv4, FrameBuilder{}.ipv4({.version_ihl = 0x65})));
    EXPECT_FALSE(ip(Network::ipv4, FrameBuilder{}.ipv4({.total_octets = 19})));
    EXPECT_FALSE(ip(Network::ipv4, FrameBuilder{}.ipv4({.total_octets = 21})));
    EXPECT_TRUE(ip(Network::ipv4, FrameBuilder{}.ipv4({.total_octets = 21}), 21)) << "cut";
    EXPECT_FALSE(ip(Network::ipv6, FrameBuilder{}.ipv4().fill(40)));
    EXPECT_FALSE(ip(Network::none, FrameBuilder{}.ipv4()));
}

TEST(Plausible, ipv6_by_version_and_length) {
    EXPECT_TRUE(ip(Network::ipv6, FrameBuilder{}.ipv6()));
    EXPECT_FALSE(ip(Network::ipv6, FrameBuilder{}.ipv6().sized(39), 60));
    EXPECT_FALSE(ip(Network::ipv6, FrameBuilder{}.ipv6({.payload_octets = 1})));
    EXPECT_TRUE(ip(Network::ipv6, FrameBuilder{}.ipv6({.payload_octets = 1}), 41)) << "cut";
}

TEST(Plausible, ethernet_by_what_it_carries) {
    EXPECT_TRUE(ethernet(FrameBuilder{}.ethernet().ipv4()));
    EXPECT_TRUE(ethernet(FrameBuilder{}.ethernet(0x86dd).ipv6()));
    EXPECT_TRUE(ethernet(FrameBuilder{}.ethernet().qinq(1, 2).ipv4()));
    EXPECT_TRUE(ethernet(FrameBuilder{}.ethernet(0x0806)));
    EXPECT_FALSE(ethernet(FrameBuilder{}.ethernet().ipv6()));
    EXPECT_FALSE(ethernet(FrameBuilder{}.ethernet(0x1234).ipv4()));
    EXPECT_FALSE(ethernet(FrameBuilder{}.ethernet(0x0806).sized(13)));
    FrameBuilder tags = FrameBuilder{}.ethernet();
    for (unsigned tag = 0; tag < 5; ++tag) {
        tags.vlan(1);
    }
    EXPECT_FALSE(ethernet(tags.ipv4()));
}

}  // namespace
}  // namespace tapmeter::decode
