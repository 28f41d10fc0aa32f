#include "pipeline/decode/ipv4.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/frames.h"

namespace tapmeter::decode {
namespace {

using testing::Frame;
using testing::FrameBuilder;
using testing::Ipv4Fields;

// What one header did: the octets it counts, and the payload that is left of the capture.
struct Read {
    std::uint32_t ip_octets;
    std::size_t payload_octets;

    bool operator==(const Read&) const = default;
};

Decoded<Read> read(const Frame& packet, std::size_t wire_octets) {
    Cursor rest{packet, wire_octets};
    Headers headers;
    return read_ipv4(rest, headers).map([&] {
        return Read{headers.ip_octets, rest.captured().size()};
    });
}

// Each limit is tested on both sides: one octet short, exact, one octet more.
struct Limit {
    const char* name;
    Ipv4Fields fields;
    std::size_t captured_octets;
    std::size_t wire_octets;
    Decoded<Read> expected;
};

class Ipv4Limit : public ::testing::TestWithParam<Limit> {};

TEST_P(Ipv4Limit, answers) {
    const Limit& limit = GetParam();
    const Frame packet = FrameBuilder{}.ipv4(limit.fields).sized(limit.captured_octets).frame();

    EXPECT_EQ(read(packet, limit.wire_octets), limit.expected);
}

const auto truncated = malformed(Undecoded::truncated);
const auto bad_total_length = malformed(Undecoded::bad_total_length);
const auto name_of = [](const auto& test) { return test.param.name; };

INSTANTIATE_TEST_SUITE_P(
    Header, Ipv4Limit,
    ::testing::Values(
        Limit{"empty", {}, 0, 0, truncated}, Limit{"one_short", {}, 19, 40, truncated},
        Limit{"exact", {.total_octets = 20}, 20, 20, Read{20, 0}},
        Limit{"one_more", {.total_octets = 21}, 21, 21, Read{21, 1}},
        Limit{"version_6", {.version_ihl = 0x65}, 40, 40, malformed(Undecoded::bad_version)},
        Limit{"ihl_4", {.version_ihl = 0x44}, 40, 40, malformed(Undecoded::bad_header_length)},
        Limit{"ihl_0", {.version_ihl = 0x40}, 40, 40, malformed(Undecoded::bad_header_length)},
        Limit{"ihl_15_one_short", {.version_ihl = 0x4f, .total_octets = 60}, 59, 60, truncated},
        Limit{"ihl_15_exact", {.version_ihl = 0x4f, .total_octets = 60}, 60, 60, Read{60, 0}},
        Limit{"ihl_15_one_more", {.version_ihl = 0x4f, .total_octets = 61}, 61, 61, Read{61, 1}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    TotalLength, Ipv4Limit,
    ::testing::Values(
        Limit{"below_header", {.total_octets = 19}, 40, 40, bad_total_length},
        Limit{"one", {.total_octets = 1}, 40, 40, bad_total_length},
        Limit{"below_options", {.version_ihl = 0x46, .total_octets = 23}, 40, 40, bad_total_length},
        Limit{"exactly_options", {.version_ihl = 0x46, .total_octets = 24}, 40, 40, Read{24, 0}},
        Limit{"padding_is_cut", {.total_octets = 28}, 46, 46, Read{28, 8}},
        Limit{"snapped", {.total_octets = 1500}, 60, 1500, Read{1500, 40}},
        Limit{"all_of_the_wire", {.total_octets = 60}, 60, 60, Read{60, 40}},
        Limit{"one_beyond_the_wire", {.total_octets = 61}, 60, 60, Read{60, 40}},
        Limit{"far_beyond_the_wire", {.total_octets = 65'535}, 60, 70, Read{70, 40}},
        Limit{"segmentation_offload", {.total_octets = 0}, 60, 70'000, Read{70'000, 40}},
        Limit{"offload_of_a_header", {.total_octets = 0}, 20, 20, Read{20, 0}},
        Limit{
            "offload_cut_in_options", {.version_ihl = 0x46, .total_octets = 0}, 23, 23, truncated}),
    name_of);

struct FragmentField {
    std::uint16_t flags_and_offset;
    Fragment fragment;
};

class Ipv4Fragment : public ::testing::TestWithParam<FragmentField> {};

TEST_P(Ipv4Fragment, is_told_from_flag_and_offset) {
    const Frame packet =
        FrameBuilder{}.ipv4({.fragment = GetParam().flags_and_offset}).fill(8).frame();
    Cursor rest{packet, packet.size()};
    Headers headers;

    ASSERT_TRUE(read_ipv4(rest, headers));
    EXPECT_EQ(headers.fragment, GetParam().fragment);
}

INSTANTIATE_TEST_SUITE_P(, Ipv4Fragment,
                         ::testing::Values(FragmentField{0x0000, Fragment::none},
                                           FragmentField{0x4000, Fragment::none},
                                           FragmentField{0x8000, Fragment::none},
                                           FragmentField{0x2000, Fragment::first},
                                           FragmentField{0x6000, Fragment::first},
                                           FragmentField{0x2001, Fragment::later},
                                           FragmentField{0x0001, Fragment::later},
                                           FragmentField{0x1fff, Fragment::later}));

TEST(Ipv4, addresses_fill_the_end) {
    const Frame packet =
        FrameBuilder{}.ipv4({.source = 0x0102'0304, .destination = 0xfffe'fdfc}).fill(8).frame();
    Cursor rest{packet, packet.size()};
    Headers headers;

    ASSERT_TRUE(read_ipv4(rest, headers));
    EXPECT_EQ(headers.source, (Address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}));
    EXPECT_EQ(headers.destination,
              (Address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0xfd, 0xfc}));
}

TEST(Ipv4, ipv6_extension_headers_are_protocols_here) {
    constexpr std::array<std::uint8_t, 7> numbers{0, 43, 44, 60, 135, 139, 140};
    for (const std::uint8_t protocol : numbers) {
        const Frame packet = FrameBuilder{}.ipv4({.protocol = protocol}).fill(64).frame();
        Cursor rest{packet, packet.size()};
        Headers headers;

        ASSERT_TRUE(read_ipv4(rest, headers));
        EXPECT_EQ(headers.protocol, protocol);
        EXPECT_EQ(rest.captured().size(), 64);
    }
}

}  // namespace
}  // namespace tapmeter::decode
