#include "pipeline/flow/common_frame.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <vector>

#include "pipeline/decode/frame.h"
#include "tests/support/frames.h"

namespace tapmeter::flow {
namespace {

using testing::Frame;
using testing::FrameBuilder;
using testing::packet_of;

struct Reading {
    FlowKey key{};
    Observation observation{};
};

std::optional<Reading> common(const Packet& packet, bool vlan_in_key = true) {
    Reading reading;
    if (!read_common(packet, vlan_in_key, reading.key, reading.observation)) {
        return std::nullopt;
    }
    return reading;
}

// The way through the layers, which read_common() must not differ from; nothing where it meets no
// IP.
std::optional<Reading> walked(const Packet& packet, bool vlan_in_key = true) {
    const auto headers = decode::decode_frame(packet);
    if (!headers || headers->ip_version == 0) {
        return std::nullopt;
    }
    Reading reading;
    const Sender sender = write_key(*headers, vlan_in_key, reading.key);
    observe(*headers, packet, sender, reading.observation);
    return reading;
}

// Frames that nearly all traffic consists of.
std::vector<Frame> common_frames() {
    return {
        FrameBuilder{}.ethernet().ipv4().udp(1234, 53).text("question").frame(),
        FrameBuilder{}.ethernet().ipv4({.source = 0x0a00'0009}).udp(1234, 53).frame(),
        FrameBuilder{}.ethernet().ipv4({.source = 7, .destination = 7}).udp(9, 8).frame(),
        FrameBuilder{}.ethernet().ipv4().udp(1234, 53).fill(18).frame(),
        FrameBuilder{}.ethernet().ipv4({.type_of_service = 9, .protocol = 6}).tcp(80, 81).frame(),
        FrameBuilder{}
            .ethernet()
            .ipv4({.fragment = 0x4000, .time_to_live = 3, .protocol = 6})
            .tcp(80, 81, {.data_offset = 8, .control_bits = 0x1c2})
            .fill(12)
            .frame(),
        FrameBuilder{}.ethernet().vlan(77).ipv4({.protocol = 6}).tcp(443, 50'000).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6().udp(546, 547).text("solicit").frame(),
        FrameBuilder{}
            .ethernet(0x86dd)
            .ipv6({.traffic_class = 0xb8, .next_header = 6, .hop_limit = 1, .source = 9})
            .tcp(179, 50'000)
            .frame(),
        FrameBuilder{}.ethernet(0x86dd).vlan(5).ipv6({.next_header = 6}).tcp(1, 2).frame(),
    };
}

// Frames that must take the walk, or end there.
std::vector<Frame> uncommon_frames() {
    return {
        FrameBuilder{}.ethernet().ipv4({.version_ihl = 0x46}).fill(4).udp(1, 2).frame(),
        FrameBuilder{}.ethernet().ipv4({.fragment = 0x2000}).udp(1, 2).frame(),
        FrameBuilder{}.ethernet().ipv4({.fragment = 1}).fill(40).frame(),
        FrameBuilder{}.ethernet().ipv4({.protocol = 1}).icmp(8, 0).fill(40).frame(),
        FrameBuilder{}.ethernet().ipv4({.protocol = 132}).sctp(1, 2).fill(40).frame(),
        FrameBuilder{}.ethernet().ipv4({.total_octets = 0}).udp(1, 2).fill(40).frame(),
        FrameBuilder{}.ethernet().ipv4({.total_octets = 27}).udp(1, 2).fill(40).frame(),
        FrameBuilder{}.ethernet().ipv4({.total_octets = 39, .protocol = 6}).tcp(1, 2).frame(),
        FrameBuilder{}.ethernet().ipv4({.version_ihl = 0x55}).udp(1, 2).frame(),
        FrameBuilder{}.ethernet().qinq(3, 4).ipv4().udp(1, 2).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6({.next_header = 0}).extension(17).udp(1, 2).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6({.payload_octets = 0}).udp(1, 2).fill(40).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6({.version = 5}).udp(1, 2).fill(40).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6({.next_header = 58}).icmp(128, 0).fill(40).frame(),
        FrameBuilder{}.ethernet(0x0806).fill(60).frame(),
        FrameBuilder{}.ethernet().mpls(16).ipv4().udp(1, 2).frame(),
        FrameBuilder{}.ethernet().ipv4().udp(1, 4789).fill(40).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6().udp(2152, 1).fill(40).frame(),
        Frame{},
    };
}

void expect_equal(const Reading& one, const Reading& other) {
    EXPECT_TRUE(one.key == other.key);
    EXPECT_TRUE(one.observation == other.observation);
}

TEST(CommonFrame, is_read_as_the_walk_reads_it) {
    for (const Frame& frame : common_frames()) {
        for (const bool vlan_in_key : {true, false}) {
            Packet packet = packet_of(frame);
            packet.observed_at = ObservedAt{Nanoseconds{77}};
            packet.observation_point = 3;
            const auto reading = common(packet, vlan_in_key);
            ASSERT_TRUE(reading);
            expect_equal(*reading, walked(packet, vlan_in_key).value());
        }
    }
}

TEST(CommonFrame, of_any_other_kind_is_left_to_the_walk) {
    for (const Frame& frame : uncommon_frames()) {
        EXPECT_FALSE(common(packet_of(frame)));
    }
    EXPECT_FALSE(common(packet_of(common_frames()[0], LinkType::raw_ip)));
}

TEST(CommonFrame, needs_the_whole_fixed_headers_at_hand) {
    const auto frames = common_frames();
    const std::size_t udp = 14 + 20 + 8;
    const std::size_t tcp = 14 + 20 + 20;
    const auto cut = [](Frame frame, std::size_t octets) {
        frame.resize(octets);
        return frame;
    };
    EXPECT_TRUE(common(packet_of(cut(frames[0], udp), LinkType::ethernet, frames[0].size())));
    EXPECT_FALSE(common(packet_of(cut(frames[0], udp - 1), LinkType::ethernet, 60)));
    EXPECT_TRUE(common(packet_of(cut(frames[4], tcp), LinkType::ethernet, 1'514)));
    EXPECT_FALSE(common(packet_of(cut(frames[4], tcp - 1), LinkType::ethernet, 1'514)));
}

// Octets changed, frames cut, lengths on the wire that are true or not: where read_common() answers
// at all, it answers what the walk answers.
TEST(CommonFrame, changed_at_random_is_never_read_differently) {
    std::vector<Frame> frames = common_frames();
    const auto others = uncommon_frames();
    frames.insert(frames.end(), others.begin(), others.end() - 1);
    std::mt19937 random(20'261'121);
    const auto below = [&random](std::size_t count) {
        return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
    };
    std::size_t common_count = 0;
    for (int round = 0; round < 300'000; ++round) {
        Frame frame = frames[below(frames.size())];
        for (std::size_t changes = below(4); changes != 0; --changes) {
            frame[below(std::min<std::size_t>(frame.size(), 64))] =
                static_cast<std::byte>(below(256));
        }
        if (below(3) == 0) {
            frame.resize(below(frame.size() + 1));
            frame.shrink_to_fit();
        }
        const std::size_t wire_octets = below(4) == 0 ? below(2'000) : frame.size();
        const Packet packet = packet_of(frame, LinkType::ethernet, wire_octets);
        const auto reading = common(packet);
        if (!reading) {
            continue;
        }
        ++common_count;
        const auto truth = walked(packet);
        ASSERT_TRUE(truth) << "round " << round;
        expect_equal(*reading, *truth);
        ASSERT_FALSE(HasFailure()) << "round " << round;
    }
    EXPECT_GT(common_count, 50'000U);
}

}  // namespace
}  // namespace tapmeter::flow
