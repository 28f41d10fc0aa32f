#include "pipeline/flow/tcp_segment.h"

#include <gtest/gtest.h>

#include "pipeline/decode/frame.h"
#include "tests/support/frames.h"

namespace tapmeter::flow {
namespace {

using testing::FrameBuilder;

constexpr std::uint16_t syn = 0x02;

std::optional<TcpSegment> segment_of(const FrameBuilder& builder, std::size_t wire_octets = 0) {
    const auto frame = builder.frame();
    const auto headers =
        decode::decode_frame(testing::packet_of(frame, LinkType::raw_ip, wire_octets));
    return headers ? read_tcp_segment(*headers, {}, Sender::low) : std::nullopt;
}

TEST(TcpSegment, is_read_with_its_options) {
    const auto segment = segment_of(FrameBuilder{}
                                        .ipv4({.protocol = 6})
                                        .tcp(1, 2, {.data_offset = 8, .control_bits = syn})
                                        .bytes({2, 4, 5, 0xb4, 1, 3, 3, 7, 1, 1, 0, 0})
                                        .text("hello"));
    ASSERT_TRUE(segment);
    EXPECT_EQ(segment->payload_octets, 5U);
    EXPECT_EQ(segment->window, 1'024);
    EXPECT_EQ(segment->window_scale, 7);
    EXPECT_EQ(segment->segment_octets_max, 1'460);
}

TEST(TcpSegment, octets_are_those_of_the_wire) {
    const auto cut = FrameBuilder{}.ipv4({.protocol = 6}).tcp(1, 2).fill(500).sized(40);
    const auto segment = segment_of(cut, 540);
    ASSERT_TRUE(segment);
    EXPECT_EQ(segment->payload_octets, 500U);
}

TEST(TcpSegment, that_cannot_be_read_is_none) {
    EXPECT_FALSE(segment_of(FrameBuilder{}.ipv4({.protocol = 17}).udp(1, 2).fill(20)));
    EXPECT_FALSE(segment_of(FrameBuilder{}.ipv4({.protocol = 6}).tcp(1, 2, {.data_offset = 4})));
    EXPECT_FALSE(segment_of(FrameBuilder{}.ipv4({.protocol = 6}).tcp(1, 2, {.data_offset = 6})));
    EXPECT_FALSE(segment_of(FrameBuilder{}.ipv4({.protocol = 6}).tcp(1, 2).sized(39)));
    EXPECT_FALSE(segment_of(FrameBuilder{}.ipv4({.fragment = 0x2000, .protocol = 6}).tcp(1, 2)));
}

TEST(TcpSegment, options_that_lie_end_the_reading) {
    for (const std::initializer_list<std::uint8_t> options :
         {std::initializer_list<std::uint8_t>{2, 0, 5, 0xb4},
          {2, 1, 5, 0xb4},
          {2, 5, 5, 0xb4},
          {3, 255, 1, 1},
          {1, 1, 1, 3}}) {
        const auto segment = segment_of(FrameBuilder{}
                                            .ipv4({.protocol = 6})
                                            .tcp(1, 2, {.data_offset = 6, .control_bits = syn})
                                            .bytes(options));
        ASSERT_TRUE(segment);
        EXPECT_FALSE(segment->segment_octets_max);
        EXPECT_FALSE(segment->window_scale);
    }
}

}  // namespace
}  // namespace tapmeter::flow
