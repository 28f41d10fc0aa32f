// Which headers the prefilter walks over, and where it lets go.

#include <gtest/gtest.h>

#include "tests/bpf/prefilter_fixture.h"

namespace tapmeter {
namespace {

using testing::every_feature;
using testing::first;
using testing::PrefilterTest;
using testing::run_options;
using testing::udp4;
using testing::udp6;
using testing::WireFrame;
using testing::xdp_drop;

// BPF_PROG_TEST_RUN takes no frame without a whole Ethernet header.
constexpr std::size_t octets_min = 14;

class PrefilterHeaders : public PrefilterTest {};

TEST_P(PrefilterHeaders, tags_up_to_the_limit) {
    exclude_ipv4({192, 0, 2, 0}, 24);
    constexpr std::array<std::uint16_t, 3> tag_types{0x8100, 0x88a8, 0x9100};
    for (const std::uint16_t type : tag_types) {
        for (std::size_t tags = 0; tags <= prefilter_tags_max + 1; ++tags) {
            WireFrame frame;
            frame.ethernet(0x0800);
            for (std::size_t tag = 0; tag < tags; ++tag) {
                frame.tag(type, 7, 0x0800);
            }
            frame.ipv4({}).ports(1, 2);
            EXPECT_EQ(fate_of(frame),
                      tags <= prefilter_tags_max ? prefilter_excluded : prefilter_no_socket)
                << tags << " tags of type " << type;
        }
    }
}

TEST_P(PrefilterHeaders, ipv4_options_and_fragments) {
    deny(53);
    for (std::uint8_t words = 5; words <= 15; ++words) {
        const auto version_words = static_cast<std::uint8_t>(0x40U | words);
        EXPECT_EQ(fate_of(udp4({.version_words = version_words})), prefilter_denied) << +words;
        EXPECT_EQ(fate_of(udp4({.version_words = version_words}, 1, 2)), prefilter_no_socket);
    }
    EXPECT_EQ(fate_of(udp4({.version_words = 0x44})), prefilter_no_socket) << "IHL below 5";
    EXPECT_EQ(fate_of(udp4({.version_words = 0x65})), prefilter_no_socket) << "version 6";
    EXPECT_EQ(fate_of(udp4({.fragment = 0x2000})), prefilter_denied) << "first fragment";
    EXPECT_EQ(fate_of(udp4({.fragment = 0x4000})), prefilter_denied) << "do not fragment";
    EXPECT_EQ(fate_of(udp4({.fragment = 0x2001})), prefilter_no_socket) << "second fragment";
    EXPECT_EQ(fate_of(udp4({.fragment = 0x1fff})), prefilter_no_socket) << "last offset";
    exclude_ipv4({192, 0, 2, 0}, 24);
    EXPECT_EQ(fate_of(udp4({.fragment = 0x2001})), prefilter_excluded) << "prefixes need no ports";
}

TEST_P(PrefilterHeaders, ipv6_extension_headers) {
    deny(53);
    const auto behind = [&](std::uint8_t type, std::uint8_t length, std::size_t octets) {
        const WireFrame frame = WireFrame{}
                                    .ethernet(0x86dd)
                                    .ipv6({.next_header = type})
                                    .extension(17, length, octets)
                                    .ports(1, 53);
        return fate_of(frame);
    };
    constexpr std::array<std::uint8_t, 6> in_units_of_8{0, 43, 60, 135, 139, 140};
    for (const std::uint8_t type : in_units_of_8) {
        EXPECT_EQ(behind(type, 0, 8), prefilter_denied) << +type;
        EXPECT_EQ(behind(type, 1, 16), prefilter_denied) << +type;
        EXPECT_EQ(behind(type, 2, 16), prefilter_no_socket) << "length beyond the ports";
    }
    EXPECT_EQ(behind(0, 255, 2048), prefilter_denied) << "the longest header";
    EXPECT_EQ(behind(51, 4, 24), prefilter_denied) << "authentication header: units of 4";
    EXPECT_EQ(behind(51, 1, 12), prefilter_denied);
    EXPECT_EQ(behind(50, 0, 8), prefilter_no_socket) << "ESP hides what follows";
    EXPECT_EQ(behind(59, 0, 8), prefilter_no_socket) << "no next header";
}

TEST_P(PrefilterHeaders, ipv6_fragments) {
    deny(53);
    const auto fragment = [&](std::uint16_t offset_and_flags) {
        const WireFrame frame = WireFrame{}
                                    .ethernet(0x86dd)
                                    .ipv6({.next_header = 44})
                                    .fragment_header(17, offset_and_flags)
                                    .ports(1, 53);
        return fate_of(frame);
    };
    EXPECT_EQ(fragment(0x0000), prefilter_denied) << "atomic fragment (RFC 6946)";
    EXPECT_EQ(fragment(0x0001), prefilter_denied) << "first fragment";
    EXPECT_EQ(fragment(0x0008), prefilter_no_socket) << "second fragment";
    EXPECT_EQ(fragment(0xfff9), prefilter_no_socket);
}

TEST_P(PrefilterHeaders, ipv6_extension_headers_up_to_the_limit) {
    deny(53);
    for (int headers = 1; headers <= prefilter_extension_headers_max + 2; ++headers) {
        WireFrame frame;
        frame.ethernet(0x86dd).ipv6({.next_header = 60});
        for (int header = 1; header <= headers; ++header) {
            frame.extension(header == headers ? 17 : 60, 0, 8);
        }
        frame.ports(1, 53);
        EXPECT_EQ(fate_of(frame), headers <= prefilter_extension_headers_max ? prefilter_denied
                                                                             : prefilter_no_socket)
            << headers;
    }
}

TEST_P(PrefilterHeaders, truncated_at_every_length) {
    struct Whole {
        WireFrame frame;
        std::size_t addresses_end;
        std::size_t ports_end;
    };
    exclude_ipv4({10, 0, 0, 0}, 8);
    exclude_ipv6(0x2001'0db8'ffff'0000, 48);
    deny(53);
    const std::vector<Whole> frames{
        {udp4({.source = 0x0a00'0001}), 34, 0},
        {udp6({.source_high = 0x2001'0db8'ffff'0000}), 54, 0},
        {udp4({}), 0, 38},
        {udp4({.version_words = 0x4f}), 0, 78},
        {udp6({}), 0, 58},
        {WireFrame{}
             .ethernet(0x0800)
             .tag(0x88a8, 1, 0)
             .tag(0x8100, 2, 0x0800)
             .ipv4({})
             .ports(1, 53),
         0, 46},
        {WireFrame{}.ethernet(0x86dd).ipv6({.next_header = 0}).extension(17, 1, 16).ports(1, 53), 0,
         74},
    };
    for (const Whole& whole : frames) {
        for (std::size_t octets = octets_min; octets <= whole.frame.octets().size(); ++octets) {
            std::uint32_t expected = prefilter_no_socket;
            if (whole.addresses_end != 0 && octets >= whole.addresses_end) {
                expected = prefilter_excluded;
            } else if (whole.ports_end != 0 && octets >= whole.ports_end) {
                expected = prefilter_denied;
            }
            WireFrame cut = whole.frame;
            EXPECT_EQ(fate_of(cut.cut_to(octets)), expected) << octets << " octets";
        }
    }
}

TEST_P(PrefilterHeaders, what_is_no_ip_goes_on) {
    exclude_ipv4({0, 0, 0, 0}, 0);
    exclude_ipv6(0, 0);
    constexpr std::array<std::uint16_t, 5> types{0x0806, 0x88cc, 0x8847, 0x0026, 0xffff};
    for (const std::uint16_t type : types) {
        EXPECT_EQ(fate_of(WireFrame{}.ethernet(type).padded_to(60)), prefilter_no_socket) << type;
    }
}

TEST_P(PrefilterHeaders, frames_of_several_pieces) {
    if (!GetParam()) {
        GTEST_SKIP() << "a frame of several pieces never meets the program for one";
    }
    deny(53);
    EXPECT_EQ(fate_of(udp4({}).padded_to(9018)), prefilter_denied);
    EXPECT_EQ(fate_of(udp4({.version_words = 0x4f}).padded_to(9018)), prefilter_denied);
    EXPECT_EQ(fate_of(udp4({}, 1, 2).padded_to(9018)), prefilter_no_socket);
}

INSTANTIATE_TEST_SUITE_P(, PrefilterHeaders, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "frags" : "one_piece"; });

}  // namespace
}  // namespace tapmeter
