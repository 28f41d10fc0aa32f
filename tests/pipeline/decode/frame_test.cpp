#include "pipeline/decode/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include "tests/pipeline/decode/samples.h"
#include "tests/support/frames.h"

namespace tapmeter::decode {
namespace {

using testing::Frame;
using testing::FrameBuilder;
using testing::packet_of;

auto key_of(const Headers& headers) {
    return std::tuple{headers.source,           headers.destination, headers.source_port,
                      headers.destination_port, headers.protocol,    headers.ip_version,
                      headers.ip_octets,        headers.fragment,    headers.vlan,
                      headers.customer_vlan,    headers.non_ip};
}

class FrameSample : public ::testing::TestWithParam<Sample> {};

// Each length of each frame, in a heap block of just that length: AddressSanitizer sees a read
// past the cut, and both sides of the last octet that the flow key needs are walked.
TEST_P(FrameSample, cut_anywhere_is_truncated_or_the_same_flow) {
    const Sample& sample = GetParam();
    const Frame whole = sample.frame.frame();
    const auto expected = decode_frame(packet_of(whole, sample.link));
    ASSERT_TRUE(expected) << undecoded_names[index_of(expected.error())];

    for (std::size_t octets = 0; octets <= whole.size(); ++octets) {
        const Frame cut = FrameBuilder{sample.frame}.sized(octets).frame();
        const auto headers = decode_frame(packet_of(cut, sample.link, whole.size()));
        if (octets < sample.needed_octets) {
            ASSERT_FALSE(headers) << "at " << octets;
            ASSERT_EQ(headers.error(), Undecoded::truncated) << "at " << octets;
        } else {
            ASSERT_TRUE(headers) << "at " << octets;
            ASSERT_EQ(key_of(*headers), key_of(*expected)) << "at " << octets;
        }
    }
}

TEST_P(FrameSample, is_ip_or_says_what_it_is) {
    const Sample& sample = GetParam();
    const Frame frame = sample.frame.frame();

    const auto headers = decode_frame(packet_of(frame, sample.link));

    ASSERT_TRUE(headers);
    const auto samples = non_ip_samples();
    const bool no_ip = std::ranges::count(samples, sample.name, &Sample::name) != 0;
    EXPECT_EQ(headers->ip_version == 0, no_ip);
    EXPECT_EQ(headers->ip_octets == 0, no_ip);
}

INSTANTIATE_TEST_SUITE_P(, FrameSample, ::testing::ValuesIn(all_samples()),
                         [](const auto& test) { return test.param.name; });

TEST(Frame, reads_all_that_a_flow_needs_of_tcp_over_ipv4) {
    const auto frame = FrameBuilder{}
                           .ethernet()
                           .qinq(100, 7)
                           .ipv4({.type_of_service = 0xb8, .time_to_live = 57, .protocol = 6})
                           .tcp(40'000, 443, {.control_bits = 0x1c2})
                           .text("hello")
                           .frame();

    const auto headers = decode_frame(packet_of(frame));

    ASSERT_TRUE(headers);
    EXPECT_EQ(headers->source, (Address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1}));
    EXPECT_EQ(headers->destination, (Address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2}));
    EXPECT_EQ(headers->source_port, 40'000);
    EXPECT_EQ(headers->destination_port, 443);
    EXPECT_EQ(headers->vlan, 100);
    EXPECT_EQ(headers->customer_vlan, 7);
    EXPECT_EQ(headers->protocol, 6);
    EXPECT_EQ(headers->ip_version, 4);
    EXPECT_EQ(headers->fragment, Fragment::none);
    EXPECT_EQ(headers->ip_octets, 45);
    EXPECT_EQ(headers->tcp_control_bits, 0x1c2);
    EXPECT_EQ(headers->type_of_service, 0xb8);
    EXPECT_EQ(headers->time_to_live, 57);
    EXPECT_EQ(headers->payload.size(), 5);
    EXPECT_EQ(headers->payload.data(), frame.data() + frame.size() - 5);
}

TEST(Frame, reads_all_that_a_flow_needs_of_udp_over_ipv6) {
    const auto frame = FrameBuilder{}
                           .ethernet(0x86dd)
                           .ipv6({.traffic_class = 0x2e, .hop_limit = 3, .source = 9})
                           .udp(5353, 53)
                           .text("query")
                           .frame();

    const auto headers = decode_frame(packet_of(frame));

    ASSERT_TRUE(headers);
    EXPECT_EQ(headers->source,
              (Address{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}));
    EXPECT_EQ(headers->destination[15], 2);
    EXPECT_EQ(headers->source_port, 5353);
    EXPECT_EQ(headers->ip_version, 6);
    EXPECT_EQ(headers->ip_octets, 40 + 8 + 5);
    EXPECT_EQ(headers->type_of_service, 0x2e);
    EXPECT_EQ(headers->time_to_live, 3);
    EXPECT_EQ(headers->tcp_control_bits, 0);
    EXPECT_EQ(headers->payload.size(), 5);
}

// TCP, because UDP has a length of its own that would hide a padding left in.
TEST(Frame, link_padding_is_neither_octets_nor_payload) {
    const auto padded =
        FrameBuilder{}.ethernet().ipv4({.protocol = 6}).tcp(1, 2).text("x").padded(60).frame();

    const auto headers = decode_frame(packet_of(padded));

    ASSERT_TRUE(headers);
    EXPECT_EQ(padded.size(), 60);
    EXPECT_EQ(headers->ip_octets, 41);
    EXPECT_EQ(headers->payload.size(), 1);
}

TEST(Frame, a_header_cannot_promise_more_than_was_on_the_wire) {
    const auto ipv4 = FrameBuilder{}.ethernet().ipv4({.total_octets = 65'535}).udp(1, 2).frame();
    const auto ipv6 =
        FrameBuilder{}.ethernet(0x86dd).ipv6({.payload_octets = 65'535}).udp(1, 2).frame();

    const auto four = decode_frame(packet_of(ipv4));
    const auto six = decode_frame(packet_of(ipv6));

    ASSERT_TRUE(four && six);
    EXPECT_EQ(four->ip_octets, 28);
    EXPECT_EQ(six->ip_octets, 48);
}

TEST(Frame, tunnels_are_not_entered) {
    const auto frame = FrameBuilder{}
                           .ethernet()
                           .ipv4({.protocol = 4, .source = 1})
                           .ipv4({.protocol = 17, .source = 2})
                           .udp(1, 2)
                           .frame();

    const auto headers = decode_frame(packet_of(frame));

    ASSERT_TRUE(headers);
    EXPECT_EQ(headers->protocol, 4);
    EXPECT_EQ(headers->source[15], 1);
    EXPECT_EQ(headers->source_port, 0);
    EXPECT_EQ(headers->payload.size(), 28);
}

TEST(Frame, a_wire_length_below_the_capture_is_raised_to_it) {
    const auto frame = FrameBuilder{}.ethernet().ipv4().udp(1, 2).text("hello").frame();

    const auto headers = decode_frame(packet_of(frame, LinkType::ethernet, 20));

    ASSERT_TRUE(headers);
    EXPECT_EQ(headers->ip_octets, 33);
}

// One frame a reason, so that no counter exists that nothing can reach.
TEST(Frame, every_reason_is_reached) {
    struct Reached {
        FrameBuilder frame;
        LinkType link;
    };
    FrameBuilder tags = FrameBuilder{}.ethernet();
    FrameBuilder labels = FrameBuilder{}.ethernet(0x8847);
    FrameBuilder extensions = FrameBuilder{}.ipv6({.next_header = 60});
    for (unsigned header = 0; header < 10; ++header) {
        tags.vlan(7);
        labels.mpls(16, false);
        extensions.extension(60);
    }
    const std::vector<Reached> all{
        {FrameBuilder{}.ethernet().fill(19, 0x45), LinkType::ethernet},
        {FrameBuilder{}.ethernet().ipv6().udp(1, 2), LinkType::ethernet},
        {FrameBuilder{}.ipv4({.version_ihl = 0x44}).udp(1, 2), LinkType::raw_ip},
        {FrameBuilder{}.ipv4({.total_octets = 19}).udp(1, 2), LinkType::raw_ip},
        {tags.ipv4(), LinkType::ethernet},
        {labels.ipv4(), LinkType::ethernet},
        {extensions, LinkType::raw_ip},
        {FrameBuilder{}.ipv4().udp(1, 2), LinkType::unknown},
    };

    std::set<Undecoded> reached;
    for (const auto& [builder, link] : all) {
        const Frame frame = builder.frame();
        const auto headers = decode_frame(packet_of(frame, link));
        ASSERT_FALSE(headers);
        reached.insert(headers.error());
    }
    EXPECT_EQ(reached.size(), undecoded_reasons);
}

}  // namespace
}  // namespace tapmeter::decode
