#include "xdp/capture.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "tests/xdp/traffic.h"

namespace tapmeter::xdp {
namespace {

using testing::capability;
using testing::expect_balanced;
using testing::has_seen;
using testing::live_clock;
using testing::number_in;
using testing::numbered;
using testing::open_or_fail;
using testing::options_for;
using testing::RawSender;
using testing::receive_all;
using testing::receive_once;
using testing::shell;
using testing::sum;
using testing::VethTest;
using testing::wait_until;
using testing::WireFrame;

class XdpCaptureTest : public VethTest {};

struct Way {
    Mode mode;
    std::uint32_t frame_octets;
    std::uint32_t mtu;
    bool busy_poll;
    const char* name;
};
class XdpCaptureWays : public VethTest, public ::testing::WithParamInterface<Way> {};

TEST_P(XdpCaptureWays, receives_each_frame_exactly_once) {
    const Way& way = GetParam();
    const std::string mtu = std::to_string(way.mtu);
    ASSERT_TRUE(shell("ip link set xdp_in mtu " + mtu + " && ip link set xdp_out mtu " + mtu));
    XdpOptions options = options_for("xdp_in");
    options.mode = way.mode;
    options.frame_octets = way.frame_octets;
    options.busy_poll = way.busy_poll;
    options.observation_point = 7;
    const auto capture = open_or_fail(options);
    ASSERT_NE(capture, nullptr);
    ASSERT_EQ(capture->queues(), 4U);
    EXPECT_EQ(capability(*capture, "mode").starts_with("generic"), way.mode == Mode::generic);
    EXPECT_EQ(capability(*capture, "busy poll"), way.busy_poll ? "yes" : "off");

    constexpr std::uint32_t frames = 20'000;
    const std::uint32_t longest = way.mtu + 14;
    const auto octets_of = [&](std::uint32_t number) {
        return number % 3 == 0 ? std::size_t{60} : 60 + number % (longest - 60 + 1);
    };
    std::vector<std::uint32_t> times_seen(frames);
    std::vector<std::uint64_t> per_queue(capture->queues());
    std::uint64_t sent_octets = 0;
    const auto check = [&](std::size_t queue, const Packet& packet) {
        const std::uint32_t number = number_in(packet);
        ASSERT_LT(number, frames);
        ++times_seen[number];
        ++per_queue[queue];
        EXPECT_EQ(packet.wire_octets, octets_of(number));
        EXPECT_EQ(packet.frame.size(),
                  std::min<std::size_t>(packet.wire_octets, way.frame_octets - headroom_octets));
        EXPECT_EQ(packet.observation_point, 7);
        EXPECT_EQ(packet.link, LinkType::ethernet);
        EXPECT_LE(packet.observed_at, live_clock.now());
    };
    RawSender sender("xdp_out");
    std::size_t received = 0;
    for (std::uint32_t number = 0; number < frames; ++number) {
        ASSERT_TRUE(sender.send(numbered(number, octets_of(number))));
        sent_octets += octets_of(number);
        if (number % 64 == 0) {
            received += receive_once(*capture, check);
        }
    }
    EXPECT_TRUE(wait_until([&] {
        received += receive_once(*capture, check);
        return received >= frames;
    })) << received;

    EXPECT_EQ(std::ranges::count(times_seen, 1U), frames);
    EXPECT_GT(std::ranges::count_if(per_queue, [](std::uint64_t n) { return n > 0; }), 1);
    const CaptureCounters books = capture->counters();
    EXPECT_EQ(books.offered.value, frames);
    EXPECT_EQ(books.received.value, frames);
    EXPECT_EQ(books.received_octets.value, sent_octets);
    EXPECT_EQ(books.waiting.value, 0U);
    EXPECT_TRUE(books.link_up);
    expect_balanced(books);
}

INSTANTIATE_TEST_SUITE_P(
    , XdpCaptureWays,
    ::testing::Values(Way{Mode::native, 4'096, 1'500, false, "native"},
                      Way{Mode::native, 2'048, 1'500, false, "native_2048"},
                      Way{Mode::automatic, 4'096, 9'000, false, "native_jumbo"},
                      Way{Mode::automatic, 2'048, 9'000, false, "native_jumbo_2048"},
                      Way{Mode::native, 4'096, 1'500, true, "native_busy_poll"},
                      Way{Mode::generic, 4'096, 1'500, false, "generic"},
                      Way{Mode::generic, 2'048, 9'000, false, "generic_jumbo_2048"}),
    [](const auto& way) { return way.param.name; });

// Native mode takes frames of one piece, and the peer's MTU makes longer ones possible: the
// program for pieces is chosen although our own MTU is small.
TEST_F(XdpCaptureTest, a_peer_with_a_larger_mtu) {
    ASSERT_TRUE(shell("ip link set xdp_out mtu 9000"));
    XdpOptions options = options_for("xdp_in");
    options.mode = Mode::native;
    const auto capture = open_or_fail(options);
    ASSERT_NE(capture, nullptr);
    EXPECT_EQ(capability(*capture, "mode"), "native");
    EXPECT_EQ(capability(*capture, "frames in pieces"), "yes");
}

// The kernel spreads replayed frames evenly, but what sockets send it spreads by a random hash for
// each side of a conversation: several queues of a veth are never called symmetric.
TEST_F(XdpCaptureTest, only_one_queue_of_a_veth_is_symmetric) {
    XdpOptions options = options_for("xdp_in");
    const auto several = open_or_fail(options);
    ASSERT_NE(several, nullptr);
    EXPECT_FALSE(several->symmetric());
}

TEST_F(XdpCaptureTest, rules_drop_and_sample_under_their_names) {
    XdpOptions options = options_for("xdp_in");
    options.rules.excluded = {*parse_prefix("10.0.0.0/25")};
    options.rules.denied_ports = {53};
    options.queues_wanted = 1;
    ASSERT_TRUE(shell("ethtool -L xdp_in rx 1 >/dev/null && ethtool -L xdp_out tx 1 >/dev/null"));
    const auto capture = open_or_fail(options);
    ASSERT_NE(capture, nullptr);
    RawSender sender("xdp_out");
    for (std::uint32_t number = 0; number < 256; ++number) {
        ASSERT_TRUE(sender.send(numbered(number, 60, number % 2 == 0 ? 53 : 54)));
    }
    ASSERT_TRUE(has_seen(*capture, 256));
    CaptureCounters books = capture->counters();
    EXPECT_EQ(books.ignored[index_of(Ignored::excluded_prefix)], 128U);
    EXPECT_EQ(books.ignored[index_of(Ignored::denied_port)], 64U);
    EXPECT_EQ(books.waiting.value, 64U);
    expect_balanced(books);
    EXPECT_EQ(receive_all(*capture), 64U);

    PrefilterRules sampled;
    sampled.sample = 10;
    ASSERT_TRUE(capture->apply(sampled));
    for (std::uint32_t number = 0; number < 1'000; ++number) {
        ASSERT_TRUE(sender.send(numbered(number, 60, 53)));
    }
    ASSERT_TRUE(has_seen(*capture, 1'256));
    const std::size_t kept = receive_all(*capture);
    books = capture->counters();
    EXPECT_EQ(books.ignored[index_of(Ignored::sampling)] + kept, 1'000U);
    // One counter a CPU: each may hold back what it has not yet kept.
    EXPECT_NEAR(static_cast<double>(kept), 100.0, std::thread::hardware_concurrency());
    expect_balanced(books);
}

// Addresses 10.0.0.0/25 are always excluded, 10.0.0.128/25 never, while the lists, the ports and
// the way the first half is written change all the time.
TEST_F(XdpCaptureTest, rules_that_change_under_traffic_lose_and_misjudge_nothing) {
    const auto whole = *parse_prefix("10.0.0.0/25");
    const std::vector<Prefix> halves{*parse_prefix("10.0.0.0/26"), *parse_prefix("10.0.0.64/26")};
    XdpOptions options = options_for("xdp_in");
    options.rules.excluded = {whole};
    const auto capture = open_or_fail(options);
    ASSERT_NE(capture, nullptr);

    constexpr std::uint32_t frames = 60'000;
    std::atomic<bool> sending{true};
    std::thread sending_thread([&] {
        RawSender sender("xdp_out");
        for (std::uint32_t number = 0; number < frames; ++number) {
            EXPECT_TRUE(sender.send(numbered(number % 256)));
        }
        sending = false;
    });
    std::atomic<std::uint64_t> wrong{0};
    std::atomic<std::uint64_t> received{0};
    std::thread reading_thread([&] {
        const auto check = [&](std::size_t, const Packet& packet) {
            wrong += number_in(packet) < 128 ? 1U : 0U;
        };
        while (sending) {
            received += receive_once(*capture, check);
        }
        while (const std::size_t more = receive_once(*capture, check)) {
            received += more;
        }
    });
    std::uint32_t changes = 0;
    while (sending) {
        PrefilterRules rules;
        rules.excluded = changes % 2 == 0 ? halves : std::vector<Prefix>{whole};
        rules.excluded.push_back(
            *parse_prefix("192.168." + std::to_string(changes % 200) + ".0/24"));
        rules.denied_ports = {static_cast<std::uint16_t>(1 + changes % 100)};
        EXPECT_TRUE(capture->apply(rules));
        ++changes;
    }
    sending_thread.join();
    reading_thread.join();
    ASSERT_TRUE(has_seen(*capture, frames));
    received += receive_all(*capture);

    const CaptureCounters books = capture->counters();
    EXPECT_GT(changes, 10U);
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(books.offered.value, frames);
    EXPECT_EQ(books.received.value, received);
    EXPECT_EQ(frames, received + sum(books.ignored) + sum(books.dropped));
    // 256 divides neither, so count: numbers 0 to 127 of each round are excluded.
    constexpr std::uint32_t excluded = frames / 256 * 128 + std::min(frames % 256, 128U);
    EXPECT_EQ(books.ignored[index_of(Ignored::excluded_prefix)], excluded);
    expect_balanced(books);
}

TEST_F(XdpCaptureTest, after_stop_arrivals_the_rest_can_still_be_received) {
    const auto capture = open_or_fail(options_for("xdp_in"));
    ASSERT_NE(capture, nullptr);
    RawSender sender("xdp_out");
    for (std::uint32_t number = 0; number < 500; ++number) {
        ASSERT_TRUE(sender.send(numbered(number)));
    }
    ASSERT_TRUE(has_seen(*capture, 500));
    capture->stop_arrivals();
    for (std::uint32_t number = 0; number < 100; ++number) {
        ASSERT_TRUE(sender.send(numbered(number)));
    }
    EXPECT_EQ(receive_all(*capture), 500U);
    const CaptureCounters books = capture->counters();
    EXPECT_EQ(books.offered.value, 500U);
    expect_balanced(books);
    EXPECT_TRUE(shell("! ip link show xdp_in | grep -q prog/xdp"));
}

TEST_F(XdpCaptureTest, knows_when_the_link_is_down_and_when_the_interface_is_gone) {
    const auto capture = open_or_fail(options_for("xdp_in"));
    ASSERT_NE(capture, nullptr);
    EXPECT_TRUE(capture->counters().link_up);
    EXPECT_EQ(capture->counters().link_speed_bits, 10'000'000'000U) << "what veth claims";
    ASSERT_TRUE(shell("ip link set xdp_out down"));
    EXPECT_FALSE(capture->counters().link_up);
    ASSERT_TRUE(shell("ip link set xdp_out up"));
    EXPECT_TRUE(capture->counters().link_up);
    RawSender sender("xdp_out");
    ASSERT_TRUE(sender.send(numbered(1)));
    ASSERT_TRUE(has_seen(*capture, 1));
    ASSERT_TRUE(shell("ip link del xdp_in"));
    const CaptureCounters books = capture->counters();
    EXPECT_FALSE(books.link_up);
    EXPECT_FALSE(books.present);
    EXPECT_EQ(books.offered.value, 1U);
    EXPECT_EQ(receive_all(*capture), 1U) << "what was received before is still there";
}

TEST_F(XdpCaptureTest, is_promiscuous_while_it_lives) {
    constexpr const char* is_promiscuous = "ip -d link show xdp_in | grep -q 'promiscuity [1-9]'";
    {
        const auto capture = open_or_fail(options_for("xdp_in"));
        ASSERT_NE(capture, nullptr);
        EXPECT_TRUE(shell(is_promiscuous));
        EXPECT_EQ(capability(*capture, "promiscuous"), "yes");
    }
    EXPECT_FALSE(shell(is_promiscuous));
    std::this_thread::sleep_for(
        std::chrono::milliseconds{500});  // the kernel gives the queues free a little later
    XdpOptions options = options_for("xdp_in");
    options.promiscuous = false;
    const auto capture = open_or_fail(options);
    ASSERT_NE(capture, nullptr);
    EXPECT_FALSE(shell(is_promiscuous));
}

TEST_F(XdpCaptureTest, says_what_it_is) {
    const auto capture = open_or_fail(options_for("xdp_in"));
    ASSERT_NE(capture, nullptr);
    EXPECT_EQ(capture->describe(), "xdp xdp_in: native, copying, 4 of 4 queues");
    EXPECT_EQ(capture->queue(3).describe(), "xdp xdp_in queue 3");
    EXPECT_EQ(capability(*capture, "zero copy"), "no: the driver has none here; copying");
    EXPECT_EQ(capability(*capture, "timestamps"), "software, at the burst");
    EXPECT_EQ(capability(*capture, "symmetric hash"), "no: packets are steered by software");
}

}  // namespace
}  // namespace tapmeter::xdp
