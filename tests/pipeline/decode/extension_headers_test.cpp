#include "pipeline/decode/extension_headers.h"

#include <gtest/gtest.h>

#include "pipeline/decode/frame.h"
#include "tests/support/frames.h"

namespace tapmeter::decode {
namespace {

using testing::Frame;
using testing::FrameBuilder;

struct Walked {
    std::uint8_t protocol;
    std::size_t payload_octets;
    Fragment fragment = Fragment::none;

    bool operator==(const Walked&) const = default;
};

using Walk = Decoded<void> (*)(Cursor&, Headers&) noexcept;

Decoded<Walked> walked(Walk walk, std::uint8_t protocol, const FrameBuilder& builder) {
    const Frame octets = builder.frame();
    Cursor rest{octets, octets.size()};
    Headers headers;
    headers.protocol = protocol;
    return walk(rest, headers).map([&] {
        return Walked{headers.protocol, rest.captured().size(), headers.fragment};
    });
}

struct Chain {
    const char* name;
    std::uint8_t protocol;
    FrameBuilder octets;
    Decoded<Walked> expected;
};

class ExtensionHeaders : public ::testing::TestWithParam<Chain> {};

TEST_P(ExtensionHeaders, answers) {
    const Chain& chain = GetParam();

    EXPECT_EQ(walked(read_extension_headers, chain.protocol, chain.octets), chain.expected);
}

using B = FrameBuilder;
const auto truncated = malformed(Undecoded::truncated);
const auto bad_total_length = malformed(Undecoded::bad_total_length);
const auto name_of = [](const auto& test) { return test.param.name; };

INSTANTIATE_TEST_SUITE_P(
    One, ExtensionHeaders,
    ::testing::Values(Chain{"none", 17, B{}.fill(3), Walked{17, 3}},
                      Chain{"esp_ends", 50, B{}, Walked{50, 0}},
                      Chain{"no_next_header_ends", 59, B{}.fill(1), Walked{59, 1}},
                      Chain{"hop_by_hop", 0, B{}.extension(6).fill(3), Walked{6, 3}},
                      Chain{"routing", 43, B{}.extension(6, 2).fill(3), Walked{6, 3}},
                      Chain{"destination_options", 60, B{}.extension(58), Walked{58, 0}},
                      Chain{"longest", 60, B{}.extension(17, 255).fill(1), Walked{17, 1}},
                      Chain{"longest_one_short", 60, B{}.extension(17, 255).sized(2047), truncated},
                      Chain{"one_short", 0, B{}.extension(6).sized(7), truncated},
                      Chain{"one_octet", 0, B{}.extension(6).sized(1), truncated},
                      Chain{"empty", 0, B{}, truncated}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    FragmentHeader, ExtensionHeaders,
    ::testing::Values(
        Chain{"one_short", 44, B{}.fragment(17, 0, true).sized(7), truncated},
        Chain{"first", 44, B{}.fragment(17, 0, true), Walked{17, 0, Fragment::first}},
        Chain{"atomic", 44, B{}.fragment(17, 0, false), Walked{17, 0, Fragment::none}},
        Chain{"middle", 44, B{}.fragment(17, 1, true), Walked{17, 0, Fragment::later}},
        Chain{"last", 44, B{}.fragment(17, 8191, false), Walked{17, 0, Fragment::later}},
        // What follows is data, whatever header number it is said to begin with.
        Chain{"later_is_data", 44, B{}.fragment(60, 1, false).fill(8),
              Walked{60, 8, Fragment::later}},
        Chain{"first_goes_on", 44, B{}.fragment(60, 0, true).extension(17),
              Walked{17, 0, Fragment::first}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Authentication, ExtensionHeaders,
    ::testing::Values(
        Chain{"shorter_than_itself", 51, B{}.bytes({17, 0}).fill(10), bad_total_length},
        Chain{"shortest", 51, B{}.authentication(17, 1).fill(1), Walked{17, 1}},
        Chain{"shortest_one_short", 51, B{}.authentication(17, 1).sized(11), truncated},
        Chain{"longest", 51, B{}.authentication(6, 255), Walked{6, 0}},
        Chain{"longest_one_short", 51, B{}.authentication(6, 255).sized(1027), truncated},
        Chain{"one_octet", 51, B{}.be8(17), truncated}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Messages, ExtensionHeaders,
    ::testing::Values(Chain{"mobility_alone", 135, B{}.extension(59), Walked{135, 8}},
                      Chain{"mobility_in_front", 135, B{}.extension(17).fill(8), Walked{17, 8}},
                      Chain{"host_identity_alone", 139, B{}.extension(59, 4), Walked{139, 40}},
                      Chain{"host_identity_in_front", 139, B{}.extension(50), Walked{50, 0}},
                      Chain{"shim6_alone", 140, B{}.extension(59), Walked{140, 8}},
                      Chain{"shim6_in_front", 140, B{}.extension(6), Walked{6, 0}},
                      Chain{"options_alone_are_none", 60, B{}.extension(59), Walked{59, 0}}),
    name_of);

FrameBuilder options(unsigned count) {
    FrameBuilder builder;
    for (unsigned header = 1; header < count; ++header) {
        builder.extension(60);
    }
    return builder.extension(17);
}

TEST(ExtensionHeaderLimit, as_many_as_we_read_and_one_more) {
    EXPECT_EQ(walked(read_extension_headers, 60, options(extension_headers_max)), (Walked{17, 0}));
    EXPECT_EQ(walked(read_extension_headers, 60, options(extension_headers_max + 1)),
              malformed(Undecoded::too_many_extension_headers));
}

FrameBuilder authentications(unsigned count) {
    FrameBuilder builder;
    for (unsigned header = 1; header < count; ++header) {
        builder.authentication(51);
    }
    return builder.authentication(6);
}

TEST(AuthenticationHeaders, as_many_as_we_read_and_one_more) {
    EXPECT_EQ(walked(read_authentication_headers, 51, authentications(extension_headers_max)),
              (Walked{6, 0}));
    EXPECT_EQ(walked(read_authentication_headers, 51, authentications(extension_headers_max + 1)),
              malformed(Undecoded::too_many_extension_headers));
}

TEST(AuthenticationHeaders, are_not_there_in_later_fragments) {
    const Frame octets = FrameBuilder{}.fill(4).frame();
    Cursor rest{octets, octets.size()};
    Headers headers;
    headers.protocol = authentication_header;
    headers.fragment = Fragment::later;

    ASSERT_TRUE(read_authentication_headers(rest, headers));
    EXPECT_EQ(headers.protocol, authentication_header);
    EXPECT_EQ(rest.captured().size(), 4);
}

TEST(AuthenticationHeaders, lie_and_end_as_in_ipv6) {
    EXPECT_EQ(walked(read_authentication_headers, 51, B{}.bytes({17, 0}).fill(10)),
              bad_total_length);
    EXPECT_EQ(walked(read_authentication_headers, 51, B{}.authentication(17).sized(23)), truncated);
}

}  // namespace
}  // namespace tapmeter::decode
