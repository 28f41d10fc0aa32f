#include "pipeline/decode/tunnel_gtp.h"

#include <gtest/gtest.h>

#include "tests/pipeline/decode/tunnel_frames.h"

namespace tapmeter::decode {
namespace {

using testing::FrameBuilder;

constexpr std::size_t carried_octets = 33;

// A G-PDU with so many extension headers of four octets.
FrameBuilder with_extensions(unsigned count) {
    const auto octets = static_cast<std::uint16_t>(4 + 4 * count + carried_octets);
    FrameBuilder frame = outer_udp(2152).bytes({0x34, 255}).be16(octets).be32(1);
    frame.bytes({0, 0, 0}).be8(count == 0 ? 0 : 0x85);
    for (unsigned left = count; left != 0; --left) {
        frame.bytes({1, 0, 0}).be8(left == 1 ? 0 : 0x85);
    }
    return inner_ipv4(frame);
}

TEST(GtpU, extension_headers_are_passed_up_to_their_limit) {
    EXPECT_TRUE(walk(with_extensions(0)).is_inside());
    EXPECT_TRUE(walk(with_extensions(gtp_extension_headers_max)).is_inside());
    const Walked beyond = walk(with_extensions(gtp_extension_headers_max + 1));
    EXPECT_TRUE(beyond.is_outside());
    EXPECT_EQ(beyond.tunnels.not_entered, NotEntered::implausible);
}

TEST(GtpU, an_extension_header_of_no_length_ends_it) {
    FrameBuilder frame = outer_udp(2152).bytes({0x34, 255}).be16(41).be32(1).be32(0x85).fill(4);
    EXPECT_EQ(walk(inner_ipv4(frame)).tunnels.not_entered, NotEntered::implausible);
}

TEST(GtpU, other_messages_and_versions_stay_outside) {
    EXPECT_EQ(walk(outer_udp(2152).bytes({0x32, 1}).be16(4).fill(8)).tunnels.not_entered,
              NotEntered::no_ip)
        << "echo request";
    EXPECT_EQ(walk(outer_udp(2152).bytes({0x48, 255}).fill(30)).tunnels.not_entered,
              NotEntered::implausible)
        << "version 2";
    EXPECT_EQ(walk(outer_udp(2152).bytes({0x30, 255}).be16(4).be32(1).fill(4)).tunnels.not_entered,
              NotEntered::no_ip);
    EXPECT_EQ(walk(outer_udp(2152).bytes({0x30, 255}).be16(0).be32(1)).tunnels.not_entered,
              NotEntered::no_ip)
        << "nothing behind the header";
}

}  // namespace
}  // namespace tapmeter::decode
