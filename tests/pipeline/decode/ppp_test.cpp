#include "pipeline/decode/ppp.h"

#include <gtest/gtest.h>

#include <vector>

#include "pipeline/decode/frame.h"
#include "tests/support/frames.h"

namespace tapmeter::decode {
namespace {

using testing::Frame;
using testing::FrameBuilder;
using testing::packet_of;

struct Protocol {
    const char* name;
    std::vector<std::uint8_t> field;
    Decoded<Network> network;
};

class PppProtocol : public ::testing::TestWithParam<Protocol> {};

TEST_P(PppProtocol, answers) {
    FrameBuilder builder;
    for (const std::uint8_t octet : GetParam().field) {
        builder.be8(octet);
    }
    const Frame octets = builder.frame();
    Cursor rest{octets, octets.size()};
    Headers headers;

    EXPECT_EQ(read_ppp(rest, headers), GetParam().network);
}

INSTANTIATE_TEST_SUITE_P(
    , PppProtocol,
    ::testing::Values(Protocol{"nothing", {}, malformed(Undecoded::truncated)},
                      Protocol{"half_a_field", {0x00}, malformed(Undecoded::truncated)},
                      Protocol{"ipv4", {0x00, 0x21}, Network::ipv4},
                      Protocol{"ipv4_compressed", {0x21}, Network::ipv4},
                      Protocol{"ipv6", {0x00, 0x57}, Network::ipv6},
                      Protocol{"ipv6_compressed", {0x57}, Network::ipv6},
                      Protocol{"link_control", {0xc0, 0x21}, Network::none},
                      Protocol{"ipv4_control", {0x80, 0x21}, Network::none},
                      Protocol{"multilink", {0x3d}, Network::none},
                      Protocol{"mpls", {0x02, 0x81, 0, 1, 1, 64, 0x60}, Network::ipv6},
                      Protocol{"mpls_multicast", {0x02, 0x83, 0, 1, 1, 64, 0x45}, Network::ipv4},
                      Protocol{"mpls_cut", {0x02, 0x81, 0, 1, 1}, malformed(Undecoded::truncated)}),
    [](const auto& test) { return test.param.name; });

struct Session {
    const char* name;
    std::uint8_t version_and_type;
    std::uint8_t code;
    Network network;
};

class PppoeSession : public ::testing::TestWithParam<Session> {};

TEST_P(PppoeSession, only_data_of_version_1_is_read) {
    const Session& session = GetParam();
    const Frame octets = FrameBuilder{}
                             .be8(session.version_and_type)
                             .be8(session.code)
                             .be16(1)
                             .be16(2)
                             .be16(0x0021)
                             .frame();
    Cursor rest{octets, octets.size()};
    Headers headers;

    EXPECT_EQ(read_pppoe_session(rest, headers), session.network);
    EXPECT_EQ(headers.non_ip, NonIp::pppoe);
}

INSTANTIATE_TEST_SUITE_P(, PppoeSession,
                         ::testing::Values(Session{"data", 0x11, 0, Network::ipv4},
                                           Session{"terminate", 0x11, 0xa7, Network::none},
                                           Session{"version_2", 0x21, 0, Network::none},
                                           Session{"type_0", 0x10, 0, Network::none}),
                         [](const auto& test) { return test.param.name; });

// Seen on a provider's network: PPPoE counts 42 octets where the IP packet behind it has 46.
TEST(Pppoe, ip_is_as_long_as_ip_says_not_as_pppoe_does) {
    Frame frame =
        FrameBuilder{}.ethernet(0x8864).pppoe().ipv4({.protocol = 6}).tcp(1, 2).fill(6).frame();
    frame[19] = std::byte{42};

    const auto headers = decode_frame(packet_of(frame));

    ASSERT_TRUE(headers);
    EXPECT_EQ(headers->ip_octets, 46);
    EXPECT_EQ(headers->payload.size(), 6);
}

}  // namespace
}  // namespace tapmeter::decode
