#include "pipeline/inspect/datagram_assembly.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "pipeline/decode/frame.h"
#include "tests/support/frames.h"

namespace tapmeter::inspect {
namespace {

using namespace std::chrono_literals;
using tapmeter::testing::Frame;
using tapmeter::testing::FrameBuilder;
using tapmeter::testing::packet_of;
using Taken = DatagramAssembly::Taken;

DatagramAssembly assembly(std::size_t datagrams_max = 4) {
    return std::move(*DatagramAssembly::reserve({.datagrams_max = datagrams_max}));
}

// Octets whose value tells where they stand.
std::string octets(std::size_t begin, std::size_t count, unsigned char salt = 0) {
    std::string text(count, '\0');
    for (std::size_t i = 0; i < count; ++i) {
        text[i] = static_cast<char>((begin + i) * 7 + salt);
    }
    return text;
}

struct Part {
    std::size_t offset;
    std::size_t octets;
    bool more;
    std::uint16_t id = 1;
    unsigned char salt = 0;
};

Frame ipv4(const Part& part) {
    const auto units = static_cast<std::uint16_t>(part.offset / 8);
    Frame frame =
        FrameBuilder{}
            .ethernet()
            .ipv4({.fragment = static_cast<std::uint16_t>(units | (part.more ? 0x2000U : 0U))})
            .text(octets(part.offset, part.octets, part.salt))
            .frame();
    constexpr std::size_t identification_at = 14 + 4;
    frame[identification_at] = static_cast<std::byte>(part.id >> 8U);
    frame[identification_at + 1] = static_cast<std::byte>(part.id);
    return frame;
}

Taken take(DatagramAssembly& to, const Frame& frame, ObservedAt at = ObservedAt{1s}) {
    const auto headers = decode::decode_frame(packet_of(frame));
    EXPECT_TRUE(headers);
    EXPECT_NE(headers->fragment, decode::Fragment::none);
    return to.take(*headers, at);
}

std::string carried(Bytes datagram, std::size_t head_octets) {
    std::string text;
    for (const std::byte octet : datagram.subspan(head_octets)) {
        text += static_cast<char>(octet);
    }
    return text;
}

TEST(DatagramAssembly, is_the_datagram_as_it_was_sent) {
    auto one = assembly();
    EXPECT_EQ(take(one, ipv4({0, 16, true})), Taken::partly);
    EXPECT_EQ(take(one, ipv4({24, 5, false})), Taken::partly);
    EXPECT_EQ(take(one, ipv4({16, 8, true})), Taken::whole);
    const Bytes whole = one.datagram();
    ASSERT_EQ(whole.size(), 20U + 29);
    EXPECT_EQ(carried(whole, 20), octets(0, 29));
    const auto headers =
        decode::decode_frame({.frame = whole, .wire_octets = 49, .link = LinkType::raw_ip});
    ASSERT_TRUE(headers);
    EXPECT_EQ(headers->fragment, decode::Fragment::none);
    EXPECT_EQ(headers->ip_octets, 49U);
    EXPECT_EQ(headers->protocol, 17);
    EXPECT_EQ(one.joined(), 1U);
    EXPECT_EQ(one.given_up(), 0U);
}

TEST(DatagramAssembly, reads_on_behind_the_fragment_header_of_ipv6) {
    auto one = assembly();
    const auto part = [](std::uint16_t offset, bool more, std::string_view text) {
        return FrameBuilder{}
            .ethernet(0x86dd)
            .ipv6({.next_header = 44})
            .fragment(6, static_cast<std::uint16_t>(offset / 8), more)
            .text(text)
            .frame();
    };
    std::string segment("\x30\x39\x1f\x90\0\0\0\1\0\0\0\0\x50\x02\x20\0\0\0\0\0", 20);
    segment += "hello";
    EXPECT_EQ(take(one, part(0, true, segment.substr(0, 8))), Taken::partly);
    EXPECT_EQ(take(one, part(8, true, segment.substr(8, 8))), Taken::partly);
    EXPECT_EQ(take(one, part(16, false, segment.substr(16))), Taken::whole);
    const Bytes whole = one.datagram();
    const auto headers =
        decode::decode_frame({.frame = whole,
                              .wire_octets = static_cast<std::uint32_t>(whole.size()),
                              .link = LinkType::raw_ip});
    ASSERT_TRUE(headers);
    EXPECT_EQ(headers->fragment, decode::Fragment::none);
    EXPECT_EQ(headers->protocol, 6);
    EXPECT_EQ(headers->tcp_control_bits, 0x02);
    EXPECT_EQ(headers->destination_port, 8'080);
    EXPECT_EQ(headers->payload.size(), 5U);
}

TEST(DatagramAssembly, limits_have_two_sides) {
    auto one = assembly();
    EXPECT_EQ(take(one, ipv4({0, 9, true})), Taken::no) << "not of whole units";
    EXPECT_EQ(take(one, ipv4({0, 8, true})), Taken::partly);
    EXPECT_EQ(take(one, ipv4({65'528, 8, false})), Taken::no) << "no datagram is so long";
    // 65,515 octets behind a header of 20 are the most that Total Length can say.
    for (const std::size_t last : {3U, 4U}) {
        auto other = assembly();
        const auto id = static_cast<std::uint16_t>(last);
        for (std::size_t offset = 0; offset < 65'512; offset += 1'448) {
            const std::size_t here = std::min<std::size_t>(65'512 - offset, 1'448);
            ASSERT_EQ(take(other, ipv4({offset, here, true, id})), Taken::partly) << offset;
        }
        const bool fits = last == 3;
        EXPECT_EQ(take(other, ipv4({65'512, last, false, id})),
                  fits ? Taken::whole : Taken::partly);
        EXPECT_EQ(other.joined(), fits ? 1U : 0U);
        EXPECT_EQ(other.given_up(), fits ? 0U : 1U);
    }
}

TEST(DatagramAssembly, a_fragment_that_was_cut_is_none) {
    auto one = assembly();
    const Frame frame = ipv4({0, 16, true});
    auto packet = packet_of(frame);
    packet.frame = packet.frame.first(packet.frame.size() - 1);
    const auto headers = decode::decode_frame(packet);
    ASSERT_TRUE(headers);
    EXPECT_EQ(one.take(*headers, ObservedAt{}), Taken::no);
}

TEST(DatagramAssembly, who_was_quiet_for_longest_makes_room) {
    auto one = assembly(2);
    take(one, ipv4({0, 8, true, 1}), ObservedAt{1s});
    take(one, ipv4({0, 8, true, 2}), ObservedAt{2s});
    take(one, ipv4({16, 8, true, 1}), ObservedAt{3s});
    take(one, ipv4({0, 8, true, 3}), ObservedAt{4s});
    EXPECT_EQ(one.given_up(), 1U) << "number 2";
    EXPECT_EQ(take(one, ipv4({8, 8, true, 1}), ObservedAt{5s}), Taken::partly);
    EXPECT_EQ(take(one, ipv4({24, 8, false, 1}), ObservedAt{5s}), Taken::whole);
    EXPECT_EQ(take(one, ipv4({8, 8, false, 3}), ObservedAt{40s}), Taken::partly)
        << "too late for what was there";
    EXPECT_EQ(one.given_up(), 2U);
}

// Against one octet after the other: any order, overlaps, duplicates and losses.
TEST(DatagramAssembly, is_what_a_plain_one_makes) {
    std::mt19937_64 random(11);
    unsigned whole = 0;
    for (int trial = 0; trial < 2'000; ++trial) {
        auto one = assembly(1);
        const std::size_t length = 57 + random() % 200;
        std::map<std::size_t, char> plain;
        bool has_end = false;
        for (int fragment = 0; fragment < 30; ++fragment) {
            const std::size_t offset = random() % length / 8 * 8;
            std::size_t count = std::min<std::size_t>((1 + random() % 6) * 8, length - offset);
            const bool last = offset + count == length;
            count -= last ? 0 : count % 8;
            const auto salt = static_cast<unsigned char>(random());
            const Taken taken = take(one, ipv4({offset, count, !last, 1, salt}));
            const std::string text = octets(offset, count, salt);
            for (std::size_t i = 0; i < count; ++i) {
                plain.emplace(offset + i, text[i]);
            }
            has_end = has_end || last;
            ASSERT_EQ(taken == Taken::whole, has_end && plain.size() == length);
            if (taken == Taken::whole) {
                std::string expected;
                for (const auto& [at, octet] : plain) {
                    expected += octet;
                }
                ASSERT_EQ(carried(one.datagram(), 20), expected);
                ++whole;
                break;
            }
        }
    }
    EXPECT_GT(whole, 1'000U);
}

}  // namespace
}  // namespace tapmeter::inspect
