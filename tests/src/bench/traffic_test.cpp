#include "src/bench/traffic.h"

#include <gtest/gtest.h>

#include "pipeline/decode/frame.h"
#include "pipeline/flow/flow_key.h"
#include "src/bench/frame_head.h"
#include "tests/support/frames.h"

namespace tapmeter::bench {
namespace {

flow::FlowKey key_of(const Traffic& traffic, std::size_t packet) {
    const Slot& slot = traffic.slot(packet);
    const auto headers = decode::decode_frame({.frame = {traffic.frame(slot), slot.captured_octets},
                                               .wire_octets = slot.wire_octets,
                                               .link = slot.link});
    EXPECT_TRUE(headers);
    flow::FlowKey key;
    flow::write_key(*headers, true, key);
    return key;
}

Traffic made(std::size_t packets, Renewal renewal, std::uint8_t flags = 0) {
    auto traffic = Traffic::reserve(packets, packets * 64);
    EXPECT_TRUE(traffic);
    for (std::size_t i = 0; i < packets; ++i) {
        traffic->add_made({.flow = i}, i == 0 ? flags : std::uint8_t{0});
    }
    traffic->seal(renewal, packets, packets);
    return std::move(*traffic);
}

TEST(Traffic, repeats_its_first_packets_behind_its_last) {
    const Traffic traffic = made(70, Renewal::none);
    EXPECT_EQ(traffic.packets(), 70U);
    EXPECT_EQ(traffic.slot(70).place, traffic.slot(0).place);
    EXPECT_EQ(traffic.slot(70 + burst_packets_max - 1).place,
              traffic.slot(burst_packets_max - 1).place);
}

TEST(Traffic, of_less_than_a_burst_repeats_too) {
    const Traffic traffic = made(1, Renewal::none);
    for (std::size_t i = 0; i <= burst_packets_max; ++i) {
        EXPECT_EQ(traffic.slot(i).place, 0U);
    }
}

TEST(Traffic, stays_or_becomes_other_flows_as_told) {
    Traffic same = made(3, Renewal::none);
    const auto key = key_of(same, 1);
    same.renew();
    EXPECT_EQ(key_of(same, 1), key);

    Traffic moved = made(3, Renewal::addresses);
    moved.renew();
    EXPECT_FALSE(key_of(moved, 1) == key);
    EXPECT_EQ(key_of(moved, 1).low_port + key_of(moved, 1).high_port, key.low_port + key.high_port)
        << "whichever of the two addresses is the lower one now";

    Traffic fresh = made(3, Renewal::flows);
    fresh.renew();
    const Traffic next = made(6, Renewal::none);
    EXPECT_EQ(key_of(fresh, 0), key_of(next, 3)) << "the next number, not one seen before";
}

TEST(Traffic, what_began_in_the_pass_before_keeps_its_addresses_for_one_more) {
    Traffic traffic = made(2, Renewal::addresses, Slot::begun_before);
    Traffic other = made(2, Renewal::addresses);
    const auto old = key_of(traffic, 0);
    traffic.renew();
    EXPECT_EQ(key_of(traffic, 0), old) << "its beginning was in pass 0";
    other.renew();
    const auto of_pass_1 = key_of(other, 0);
    traffic.renew();
    EXPECT_EQ(key_of(traffic, 0), of_pass_1) << "in pass 2: what began in pass 1";
}

TEST(Traffic, large_frames_share_the_memory_of_their_payload) {
    auto traffic = Traffic::reserve(3, 3 * Traffic::frame_stride_max);
    ASSERT_TRUE(traffic);
    for (std::uint64_t flow = 0; flow < 3; ++flow) {
        traffic->add_made({.flow = flow, .frame_octets = 1'514});
    }
    traffic->seal(Renewal::none, 3);
    EXPECT_EQ(traffic->slot(2).place, 4U);
    EXPECT_EQ(traffic->slot(2).captured_octets, 1'514U);
    EXPECT_FALSE(key_of(*traffic, 0) == key_of(*traffic, 2));
}

TEST(Traffic, takes_captured_frames_whole_and_says_when_one_does_not_fit) {
    const auto frame =
        testing::FrameBuilder{}.ethernet(0x86dd).ipv6({}).udp(1, 2).fill(100).frame();
    auto traffic = Traffic::reserve(1, 192);
    ASSERT_TRUE(traffic);
    const Packet packet = testing::packet_of(frame);
    EXPECT_TRUE(traffic->fits(packet));
    traffic->add_captured(packet, 14 + 8, Slot::ipv6);
    const testing::Frame huge(traffic->octets());
    EXPECT_FALSE(traffic->fits(testing::packet_of(huge)));
    traffic->seal(Renewal::addresses, 1);
    const auto before = key_of(*traffic, 0);
    traffic->renew();
    const auto after = key_of(*traffic, 0);
    EXPECT_FALSE(after == before);
    EXPECT_TRUE(std::equal(before.low.begin(), before.low.begin() + 12, after.low.begin()))
        << "the last four octets of an IPv6 address move";
}

}  // namespace
}  // namespace tapmeter::bench
