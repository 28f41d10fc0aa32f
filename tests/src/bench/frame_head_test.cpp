#include "src/bench/frame_head.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "pipeline/decode/frame.h"
#include "pipeline/flow/flow_key.h"
#include "src/bench/random.h"

namespace tapmeter::bench {
namespace {

using Octets64 = std::array<std::byte, frame_head_octets>;

Octets64 written(const FrameHead& head) {
    Octets64 octets{};
    write_head(head, octets);
    return octets;
}

decode::Headers decoded(const Octets64& octets, std::uint32_t frame_octets = frame_octets_min) {
    const auto headers = decode::decode_frame(
        {.frame = Bytes(octets).first(frame_octets_min), .wire_octets = frame_octets});
    EXPECT_TRUE(headers);
    return headers ? *headers : decode::Headers{};
}

flow::FlowKey key_of(const FrameHead& head) {
    flow::FlowKey key;
    flow::write_key(decoded(written(head)), true, key);
    return key;
}

TEST(FrameHead, is_udp_or_tcp_over_ipv4_as_asked) {
    const auto udp = decoded(written({.flow = 1}));
    EXPECT_EQ(udp.ip_version, 4);
    EXPECT_EQ(udp.protocol, protocol_udp);
    EXPECT_EQ(udp.ip_octets, 46U);

    const auto tcp =
        decoded(written({.flow = 1, .protocol = protocol_tcp, .tcp_control_bits = tcp_syn}));
    EXPECT_EQ(tcp.protocol, protocol_tcp);
    EXPECT_EQ(tcp.tcp_control_bits, tcp_syn);
}

TEST(FrameHead, header_checksum_is_right) {
    const Octets64 octets = written({.flow = 77, .frame_octets = 1'514});
    std::uint32_t sum = 0;
    for (std::size_t at = 14; at < 34; at += 2) {
        sum += load_be16(std::span<const std::byte, 2>(&octets[at], 2));
    }
    EXPECT_EQ((sum & 0xffffU) + (sum >> 16U), 0xffffU);
}

TEST(FrameHead, no_two_flows_have_the_same_key) {
    std::set<std::array<std::uint8_t, 12>> keys;
    constexpr std::uint64_t flows = 20'000;
    for (std::uint64_t flow = 0; flow < flows; ++flow) {
        const Octets64 octets = written({.flow = flow});
        std::array<std::uint8_t, 12> key{};
        for (std::size_t i = 0; i < key.size(); ++i) {
            key[i] = std::to_integer<std::uint8_t>(octets[26 + i]);
        }
        keys.insert(key);
    }
    EXPECT_EQ(keys.size(), flows);
}

TEST(FrameHead, both_directions_are_one_flow) {
    EXPECT_EQ(key_of({.flow = 5}), key_of({.flow = 5, .from_client = false}));
    EXPECT_FALSE(key_of({.flow = 5}) == key_of({.flow = 6}));
}

TEST(Imix, has_the_shares_that_testers_agreed_on) {
    Random random(1);
    constexpr unsigned frames = 120'000;
    unsigned small = 0;
    unsigned large = 0;
    for (unsigned i = 0; i < frames; ++i) {
        const std::uint32_t octets = imix_frame_octets(random);
        small += octets == 60 ? 1 : 0;
        large += octets == 1'514 ? 1 : 0;
    }
    EXPECT_NEAR(small, frames * 7 / 12, frames / 100);
    EXPECT_NEAR(large, frames / 12, frames / 100);
}

}  // namespace
}  // namespace tapmeter::bench
