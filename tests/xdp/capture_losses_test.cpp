// Every way in which a capture loses frames, and the name that each goes under.

#include <gtest/gtest.h>

#include "tests/xdp/traffic.h"

namespace tapmeter::xdp {
namespace {

using testing::capability;
using testing::expect_balanced;
using testing::has_seen;
using testing::number_in;
using testing::numbered;
using testing::open_or_fail;
using testing::options_for;
using testing::RawSender;
using testing::receive_all;
using testing::shell;
using testing::VethTest;

class XdpCaptureLosses : public VethTest {};

TEST_F(XdpCaptureLosses, a_reader_that_stops_loses_frames_under_their_names) {
    XdpOptions options = options_for("xdp_in");
    options.rx_ring = rx_ring_min;
    const auto capture = open_or_fail(options);
    ASSERT_NE(capture, nullptr);
    RawSender sender("xdp_out");
    constexpr std::uint32_t frames = 10'000;
    for (std::uint32_t number = 0; number < frames; ++number) {
        ASSERT_TRUE(sender.send(numbered(number)));
    }
    ASSERT_TRUE(has_seen(*capture, frames));
    CaptureCounters books = capture->counters();
    EXPECT_EQ(books.offered.value, frames);
    EXPECT_EQ(books.waiting.value, 4U * rx_ring_min);
    EXPECT_EQ(books.dropped[index_of(Dropped::xdp_ring_full)], frames - 4U * rx_ring_min);
    expect_balanced(books);
    std::uint64_t missed = 0;
    for (const DeviceQueueCounters& queue : capture->device_queues()) {
        EXPECT_EQ(queue.packets, rx_ring_min) << "what waits in the queue's own ring";
        missed += queue.missed;
    }
    EXPECT_EQ(missed, frames - 4U * rx_ring_min);

    EXPECT_EQ(receive_all(*capture), 4U * rx_ring_min);
    expect_balanced(capture->counters());
    ASSERT_TRUE(sender.send(numbered(1)));
    ASSERT_TRUE(has_seen(*capture, frames + 1));
    EXPECT_EQ(receive_all(*capture), 1U) << "it goes on as if nothing had happened";
    expect_balanced(capture->counters());
}

// A burst that is never released keeps its buffers; with the ring full of the others none is left.
TEST_F(XdpCaptureLosses, buffers_that_run_out_lose_frames_under_their_name) {
    XdpOptions options = options_for("xdp_in");
    options.rx_ring = rx_ring_min;
    options.queues_wanted = 1;
    ASSERT_TRUE(shell("ethtool -L xdp_in rx 1 >/dev/null && ethtool -L xdp_out tx 1 >/dev/null"));
    const auto capture = open_or_fail(options);
    ASSERT_NE(capture, nullptr);
    RawSender sender("xdp_out");
    const auto send = [&](std::uint32_t frames) {
        for (std::uint32_t number = 0; number < frames; ++number) {
            ASSERT_TRUE(sender.send(numbered(number)));
        }
    };
    send(64);
    ASSERT_TRUE(has_seen(*capture, 64));
    Burst held;
    capture->queue(0).receive(held);
    ASSERT_EQ(held.count, 64U);
    send(64 + 100);
    ASSERT_TRUE(has_seen(*capture, 128 + 100));
    const CaptureCounters books = capture->counters();
    EXPECT_EQ(books.waiting.value, 64U);
    EXPECT_EQ(books.dropped[index_of(Dropped::no_buffer)], 100U);
    expect_balanced(books);
    EXPECT_EQ(number_in(held.view().front()), 0U) << "held frames are not written over";
    EXPECT_EQ(number_in(held.view().back()), 63U);
    capture->queue(0).release();
    EXPECT_EQ(receive_all(*capture), 64U);
    send(1);
    ASSERT_TRUE(has_seen(*capture, 229));
    EXPECT_EQ(receive_all(*capture), 1U);
    expect_balanced(capture->counters());
}

TEST_F(XdpCaptureLosses, waiting_counts_frames_and_not_their_pieces) {
    ASSERT_TRUE(shell("ip link set xdp_in mtu 9000 && ip link set xdp_out mtu 9000"));
    XdpOptions options = options_for("xdp_in");
    options.rx_ring = 256;
    options.frame_octets = 2'048;
    const auto capture = open_or_fail(options);
    ASSERT_NE(capture, nullptr);
    RawSender sender("xdp_out");
    constexpr std::uint32_t frames = 2'000;  // of 6 pieces: more than the rings hold
    for (std::uint32_t number = 0; number < frames; ++number) {
        ASSERT_TRUE(sender.send(numbered(number, 9'014)));
    }
    ASSERT_TRUE(has_seen(*capture, frames));
    const CaptureCounters books = capture->counters();
    EXPECT_EQ(books.waiting.value, 4U * (256 / 6));
    expect_balanced(books);
    EXPECT_EQ(receive_all(*capture), books.waiting.value);
    expect_balanced(capture->counters());
}

TEST_F(XdpCaptureLosses, a_queue_without_socket_is_counted) {
    XdpOptions options = options_for("xdp_in");
    options.queues_wanted = 2;
    const auto capture = open_or_fail(options);
    ASSERT_NE(capture, nullptr);
    ASSERT_EQ(capture->queues(), 2U);
    EXPECT_TRUE(capability(*capture, "queues").starts_with("2 of 4")) << "says that some are left";
    RawSender sender("xdp_out");
    constexpr std::uint32_t frames = 2'000;
    for (std::uint32_t number = 0; number < frames; ++number) {
        ASSERT_TRUE(sender.send(numbered(number)));
    }
    ASSERT_TRUE(has_seen(*capture, frames));
    const CaptureCounters books = capture->counters();
    EXPECT_GT(books.dropped[index_of(Dropped::no_socket)], 0U);
    EXPECT_GT(books.waiting.value, 0U);
    expect_balanced(books);
}

}  // namespace
}  // namespace tapmeter::xdp
