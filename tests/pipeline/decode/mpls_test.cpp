#include "pipeline/decode/mpls.h"

#include <gtest/gtest.h>

#include "pipeline/decode/frame.h"
#include "tests/support/frames.h"

namespace tapmeter::decode {
namespace {

using testing::Frame;
using testing::FrameBuilder;

struct Below {
    const char* name;
    std::uint8_t first_octet;
    Network network;
};

class MplsBelow : public ::testing::TestWithParam<Below> {};

TEST_P(MplsBelow, is_told_by_the_first_nibble) {
    const Below& below = GetParam();
    const Frame octets = FrameBuilder{}.mpls(16).be8(below.first_octet).frame();
    Cursor rest{octets, octets.size()};
    Headers headers;

    const auto network = read_mpls(rest, headers);

    ASSERT_TRUE(network);
    EXPECT_EQ(*network, below.network);
    EXPECT_EQ(headers.non_ip, below.network == Network::none ? NonIp::mpls : NonIp::other);
    EXPECT_EQ(rest.captured().size(), 1);
}

INSTANTIATE_TEST_SUITE_P(, MplsBelow,
                         ::testing::Values(Below{"control_word", 0x00, Network::none},
                                           Below{"associated_channel", 0x10, Network::none},
                                           Below{"nibble_3", 0x3f, Network::none},
                                           Below{"ipv4", 0x45, Network::ipv4},
                                           Below{"nibble_5", 0x50, Network::none},
                                           Below{"ipv6", 0x60, Network::ipv6},
                                           Below{"nibble_7", 0x70, Network::none}),
                         [](const auto& test) { return test.param.name; });

Decoded<Network> read_stack(unsigned labels, std::size_t octets) {
    FrameBuilder builder;
    for (unsigned label = 1; label <= labels; ++label) {
        builder.mpls(15 + label, label == labels);
    }
    const Frame stack = builder.be8(0x45).sized(octets).frame();
    Cursor rest{stack, stack.size()};
    Headers headers;
    return read_mpls(rest, headers);
}

TEST(Mpls, as_many_labels_as_we_read_and_one_more) {
    EXPECT_EQ(read_stack(mpls_labels_max, 33), Network::ipv4);
    EXPECT_EQ(read_stack(mpls_labels_max + 1, 37), malformed(Undecoded::too_many_labels));
}

TEST(Mpls, a_stack_without_its_bottom_is_truncated) {
    EXPECT_EQ(read_stack(1, 0), malformed(Undecoded::truncated));
    EXPECT_EQ(read_stack(1, 3), malformed(Undecoded::truncated));
    EXPECT_EQ(read_stack(1, 4), malformed(Undecoded::truncated));
    EXPECT_EQ(read_stack(1, 5), Network::ipv4);
    EXPECT_EQ(read_stack(2, 4), malformed(Undecoded::truncated));
}

}  // namespace
}  // namespace tapmeter::decode
