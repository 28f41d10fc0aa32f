#include "pipeline/decode/ipv6.h"

#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace tapmeter::decode {
namespace {

using testing::Frame;
using testing::FrameBuilder;

struct Read {
    std::uint32_t ip_octets;
    std::size_t payload_octets;
    std::uint8_t protocol = 17;

    bool operator==(const Read&) const = default;
};

struct Limit {
    const char* name;
    FrameBuilder packet;
    std::size_t captured_octets;
    std::size_t wire_octets;
    Decoded<Read> expected;
};

class Ipv6Limit : public ::testing::TestWithParam<Limit> {};

TEST_P(Ipv6Limit, answers) {
    const Limit& limit = GetParam();
    const Frame packet = FrameBuilder{limit.packet}.sized(limit.captured_octets).frame();
    Cursor rest{packet, limit.wire_octets};
    Headers headers;

    const auto read = read_ipv6(rest, headers).map([&] {
        return Read{headers.ip_octets, rest.captured().size(), headers.protocol};
    });

    EXPECT_EQ(read, limit.expected);
}

FrameBuilder fixed(std::uint16_t payload_octets, std::uint8_t next_header = 17) {
    return FrameBuilder{}.ipv6({.payload_octets = payload_octets, .next_header = next_header});
}

const auto truncated = malformed(Undecoded::truncated);
const auto name_of = [](const auto& test) { return test.param.name; };

INSTANTIATE_TEST_SUITE_P(Header, Ipv6Limit,
                         ::testing::Values(Limit{"empty", fixed(8), 0, 0, truncated},
                                           Limit{"one_short", fixed(8), 39, 48, truncated},
                                           Limit{"exact", fixed(8), 40, 48, Read{48, 0}},
                                           Limit{"one_more", fixed(8), 41, 48, Read{48, 1}},
                                           Limit{"version_4", FrameBuilder{}.ipv6({.version = 4}),
                                                 60, 60, malformed(Undecoded::bad_version)},
                                           Limit{"version_7", FrameBuilder{}.ipv6({.version = 7}),
                                                 60, 60, malformed(Undecoded::bad_version)}),
                         name_of);

INSTANTIATE_TEST_SUITE_P(
    PayloadLength, Ipv6Limit,
    ::testing::Values(Limit{"padding_is_cut", fixed(1), 46, 46, Read{41, 1}},
                      Limit{"snapped", fixed(1460), 60, 1500, Read{1500, 20}},
                      Limit{"all_of_the_wire", fixed(20), 60, 60, Read{60, 20}},
                      Limit{"one_beyond_the_wire", fixed(21), 60, 60, Read{60, 20}},
                      Limit{"largest", fixed(65'535), 60, 65'575, Read{65'575, 20}},
                      Limit{"zero_is_offload", fixed(0), 60, 70'000, Read{70'000, 20}},
                      Limit{"zero_and_nothing_next", fixed(0, 59), 46, 46, Read{40, 0, 59}}),
    name_of);

// A jumbogram: 8 octets of hop-by-hop options with the length, then 20 octets at hand.
FrameBuilder jumbogram(std::uint32_t payload_octets) {
    return fixed(0, 0).jumbo(17, payload_octets);
}

INSTANTIATE_TEST_SUITE_P(
    Jumbo, Ipv6Limit,
    ::testing::Values(
        Limit{"whole", jumbogram(65'536), 68, 65'576, Read{65'576, 20}},
        Limit{"padding_is_cut", jumbogram(65'536), 68, 65'577, Read{65'576, 20}},
        Limit{"beyond_the_wire", jumbogram(65'537), 68, 65'576, Read{65'576, 20}},
        Limit{"largest", jumbogram(0xffff'ffff), 68, 70'000, Read{70'000, 20}},
        Limit{"shorter_than_its_option", jumbogram(7), 68, 68, truncated},
        Limit{"as_long_as_its_option", jumbogram(8), 68, 68, Read{48, 0}},
        Limit{"option_cut", jumbogram(65'536), 47, 65'576, truncated},
        // Padding in front of the option: PadN of two octets, then Pad1 four times.
        Limit{"behind_padding",
              fixed(0, 0).bytes({17, 1, 1, 0, 0, 0, 0, 0, 0xc2, 4}).be32(65'536).fill(2), 76,
              65'576, Read{65'576, 20}},
        // The option begins inside the header and would end behind it: no option.
        Limit{"option_runs_over", fixed(0, 0).bytes({17, 0, 0, 0, 0xc2, 4}).be32(65'536), 68,
              90'000, Read{90'000, 20}},
        Limit{"other_option", fixed(0, 0).bytes({17, 0, 5, 2, 0, 0, 0, 0}), 68, 68, Read{68, 20}},
        // A router alert whose length runs over the header ends the search.
        Limit{"lying_option", fixed(0, 0).bytes({17, 0, 5, 200, 0, 0, 0, 0}), 68, 68,
              Read{68, 20}}),
    name_of);

TEST(Ipv6, traffic_class_lies_across_two_octets) {
    const Frame packet = FrameBuilder{}.ipv6({.traffic_class = 0xb9}).fill(8).frame();
    Cursor rest{packet, packet.size()};
    Headers headers;

    ASSERT_TRUE(read_ipv6(rest, headers));
    EXPECT_EQ(headers.type_of_service, 0xb9);
}

}  // namespace
}  // namespace tapmeter::decode
