#include "pipeline/decode/link.h"

#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace tapmeter::decode {
namespace {

using testing::Frame;
using testing::FrameBuilder;

struct Start {
    const char* name;
    LinkType link;
    FrameBuilder header;
    Decoded<Network> network;
    NonIp non_ip = NonIp::other;
    std::size_t octets_left = 0;
};

class Link : public ::testing::TestWithParam<Start> {};

TEST_P(Link, answers) {
    const Start& start = GetParam();
    const Frame octets = start.header.frame();
    Cursor rest{octets, octets.size()};
    Headers headers;

    EXPECT_EQ(read_link(start.link, rest, headers), start.network);
    EXPECT_EQ(headers.non_ip, start.non_ip);
    if (start.network && *start.network != Network::none) {
        EXPECT_EQ(rest.captured().size(), start.octets_left);
    }
}

using B = FrameBuilder;
const auto truncated = malformed(Undecoded::truncated);
const auto name_of = [](const auto& test) { return test.param.name; };

INSTANTIATE_TEST_SUITE_P(
    Raw, Link,
    ::testing::Values(
        Start{"empty", LinkType::raw_ip, B{}, truncated},
        Start{"ipv4", LinkType::raw_ip, B{}.be8(0x45), Network::ipv4, NonIp::other, 1},
        Start{"ipv6", LinkType::raw_ip, B{}.be8(0x60), Network::ipv6, NonIp::other, 1},
        Start{"version_0", LinkType::raw_ip, B{}.be8(0), malformed(Undecoded::bad_version)},
        Start{"version_5", LinkType::raw_ip, B{}.be8(0x55), malformed(Undecoded::bad_version)},
        Start{"version_7", LinkType::raw_ip, B{}.be8(0x70), malformed(Undecoded::bad_version)},
        Start{"unknown", LinkType::unknown, B{}.ipv4(), malformed(Undecoded::unknown_link_type)}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Family, Link,
    ::testing::Values(
        Start{"one_short", LinkType::null_loopback, B{}.family_little_endian(2).sized(3),
              truncated},
        Start{"ipv4_little", LinkType::null_loopback, B{}.family_little_endian(2), Network::ipv4},
        Start{"ipv4_big", LinkType::null_loopback, B{}.family_big_endian(2), Network::ipv4},
        Start{"ipv4_loop", LinkType::loop, B{}.family_big_endian(2), Network::ipv4},
        Start{"linux_ipv6", LinkType::null_loopback, B{}.family_little_endian(10), Network::ipv6},
        Start{"netbsd_ipv6", LinkType::loop, B{}.family_big_endian(24), Network::ipv6},
        Start{"illumos_ipv6", LinkType::null_loopback, B{}.family_big_endian(26), Network::ipv6},
        Start{"freebsd_ipv6", LinkType::null_loopback, B{}.family_little_endian(28), Network::ipv6},
        Start{"macos_ipv6", LinkType::null_loopback, B{}.family_little_endian(30), Network::ipv6},
        Start{"iso", LinkType::null_loopback, B{}.family_little_endian(7), Network::none},
        Start{"no_family", LinkType::null_loopback, B{}.fill(4, 0xff), Network::none}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Cooked, Link,
    ::testing::Values(
        Start{"sll_one_short", LinkType::linux_sll, B{}.sll().sized(15), truncated},
        Start{"sll_ipv4", LinkType::linux_sll, B{}.sll(), Network::ipv4},
        Start{"sll_ipv6", LinkType::linux_sll, B{}.sll(0x86dd).be8(0x60), Network::ipv6,
              NonIp::other, 1},
        Start{"sll_arp", LinkType::linux_sll, B{}.sll(0x0806), Network::none, NonIp::arp},
        Start{"sll_llc", LinkType::linux_sll, B{}.sll(4).bytes({0x42, 0x42, 3}), Network::none,
              NonIp::llc},
        Start{"sll_llc_cut", LinkType::linux_sll, B{}.sll(4).bytes({0x42, 0x42}), truncated},
        Start{"sll_can", LinkType::linux_sll, B{}.sll(0x000c), Network::none},
        Start{"sll_netlink", LinkType::linux_sll, B{}.sll(0x0800, 824), Network::none},
        Start{"sll2_one_short", LinkType::linux_sll2, B{}.sll2().sized(19), truncated},
        Start{"sll2_ipv4", LinkType::linux_sll2, B{}.sll2(), Network::ipv4},
        Start{"sll2_netlink", LinkType::linux_sll2, B{}.sll2(0x0800, 824), Network::none},
        Start{"sll2_lldp", LinkType::linux_sll2, B{}.sll2(0x88cc), Network::none, NonIp::lldp}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Serial, Link,
    ::testing::Values(
        Start{"ppp_empty", LinkType::ppp, B{}, truncated},
        Start{"ppp_address_only", LinkType::ppp, B{}.be16(0xff03), truncated},
        Start{"ppp_ipv4", LinkType::ppp, B{}.ppp(), Network::ipv4},
        Start{"ppp_bare", LinkType::ppp, B{}.be16(0x0021), Network::ipv4},
        Start{"ppp_compressed", LinkType::ppp, B{}.be8(0x57), Network::ipv6},
        Start{"ppp_all_compressed", LinkType::ppp, B{}.be16(0xff03).be8(0x21), Network::ipv4},
        Start{"ppp_link_control", LinkType::ppp, B{}.ppp(0xc021), Network::none},
        Start{"ppp_is_cisco", LinkType::ppp, B{}.c_hdlc(), Network::ipv4},
        Start{"ppp_is_cisco_multicast", LinkType::ppp, B{}.c_hdlc(0x8035, 0x8f), Network::none},
        Start{"c_hdlc_one_short", LinkType::c_hdlc, B{}.c_hdlc().sized(3), truncated},
        Start{"c_hdlc_ipv4", LinkType::c_hdlc, B{}.c_hdlc(), Network::ipv4},
        Start{"c_hdlc_mpls", LinkType::c_hdlc, B{}.c_hdlc(0x8847).mpls(16).be8(0x45), Network::ipv4,
              NonIp::other, 1},
        Start{"c_hdlc_keepalive", LinkType::c_hdlc, B{}.c_hdlc(0x8035), Network::none},
        Start{"c_hdlc_is_is", LinkType::c_hdlc, B{}.c_hdlc(0xfefe), Network::none, NonIp::llc},
        Start{"c_hdlc_no_type", LinkType::c_hdlc, B{}.c_hdlc(0x0010), Network::none}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Ethernet, Link,
    ::testing::Values(Start{"one_short", LinkType::ethernet, B{}.ethernet().sized(13), truncated},
                      Start{"exact", LinkType::ethernet, B{}.ethernet(), Network::ipv4},
                      Start{"one_more", LinkType::ethernet, B{}.ethernet().be8(0x45), Network::ipv4,
                            NonIp::other, 1}),
    name_of);

}  // namespace
}  // namespace tapmeter::decode
