#include "dpdk/queue.h"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "dpdk/capture.h"
#include "dpdk/eal.h"
#include "tests/dpdk/support.h"

namespace tapmeter::dpdk {
namespace {

using testing::options_for;
using testing::receive_copies;
using testing::RingPort;
using testing::some_frame;
using testing::TestFolder;
using testing::TimedFrame;
using testing::write_pcap;

std::unique_ptr<DpdkCapture> opened(PortOptions options) {
    auto capture = open_port(options);
    EXPECT_TRUE(capture) << capture.error().message;
    return std::move(capture).value();
}

// The buffer of a frame that lies in the pool's own memory.
rte_mbuf* rte_mbuf_of(const std::byte* frame) {
    const std::byte* const head = frame - RTE_PKTMBUF_HEADROOM - sizeof(rte_mbuf);
    // NOLINTNEXTLINE(*-const-cast, *-reinterpret-cast): DPDK gives no way back from a frame
    return const_cast<rte_mbuf*>(reinterpret_cast<const rte_mbuf*>(head));
}

TEST(Queue, shows_the_frames_as_they_arrived) {
    RingPort rings("shows", 1);
    PortOptions options = options_for(rings.device());
    options.observation_point = 7;
    const auto capture = opened(options);
    const auto tagged = some_frame(1'518, 3);
    rings.arrive(0, some_frame(60, 1));
    rings.arrive(0, tagged);

    Burst burst;
    const ObservedAt before = options.clock->now();
    capture->queue(0).receive(burst);
    const ObservedAt after = options.clock->now();

    ASSERT_EQ(burst.count, 2U);
    const Packet& packet = burst.view()[1];
    EXPECT_TRUE(std::ranges::equal(packet.frame, tagged));
    EXPECT_EQ(packet.wire_octets, 1'518U);
    EXPECT_EQ(packet.observation_point, 7);
    EXPECT_EQ(packet.link, LinkType::ethernet);
    EXPECT_GE(packet.observed_at, before);
    EXPECT_LE(packet.observed_at, after);
    EXPECT_EQ(burst.view()[0].observed_at, packet.observed_at) << "one clock reading a burst";
    capture->queue(0).release();
    EXPECT_EQ(capture->queue(0).describe(), "dpdk net_ring_shows queue 0");
    EXPECT_FALSE(capture->queue(0).exhausted());
}

TEST(Queue, each_queue_has_its_own_frames_and_counts_them) {
    RingPort rings("counts", 3);
    PortOptions options = options_for(rings.device());
    options.queues = 3;
    const auto capture = opened(options);
    ASSERT_EQ(capture->queues(), 3U);
    EXPECT_FALSE(capture->symmetric()) << "rings hash nothing";
    for (unsigned queue = 0; queue < 3; ++queue) {
        for (unsigned frame = 0; frame < 50 * (queue + 1); ++frame) {
            ASSERT_TRUE(rings.arrive(queue, some_frame(100 + queue, 1)));
        }
    }
    for (unsigned queue = 0; queue < 3; ++queue) {
        std::size_t count = 0;
        for (std::size_t got = 1; got != 0; count += got) {
            const auto frames = receive_copies(capture->queue(queue));
            got = frames.size();
            EXPECT_TRUE(std::ranges::all_of(
                frames, [&](const auto& frame) { return frame.size() == 100 + queue; }));
        }
        EXPECT_EQ(count, 50 * (queue + 1));
        const SourceCounters counters = capture->queue(queue).counters();
        EXPECT_EQ(counters.received, Packets{count});
        EXPECT_EQ(counters.received_octets, Octets{count * (100 + queue)});
    }
    EXPECT_EQ(rings.buffers_in_use(), 0U);
}

// A full burst: the next one is polled already, so that memory can bring it.
TEST(Queue, under_load_the_next_burst_waits_in_our_hands_and_is_booked_as_waiting) {
    RingPort rings("ahead", 1);
    {
        const auto capture = opened(options_for(rings.device()));
        for (std::size_t frame = 0; frame < burst_packets_max + 10; ++frame) {
            ASSERT_TRUE(rings.arrive(0, some_frame(60, static_cast<std::uint8_t>(frame))));
        }
        PacketSource& queue = capture->queue(0);
        const auto first = receive_copies(queue);
        ASSERT_EQ(first.size(), burst_packets_max);
        EXPECT_EQ(first.back(), some_frame(60, burst_packets_max - 1));
        EXPECT_EQ(rings.buffers_in_use(), 10U);
        EXPECT_EQ(capture->counters().received, Packets{burst_packets_max});
        EXPECT_EQ(capture->counters().waiting, Packets{10});

        ASSERT_TRUE(rings.arrive(0, some_frame(60, 200)));
        const auto second = receive_copies(queue);
        ASSERT_EQ(second.size(), 10U) << "what was polled, before what came since";
        EXPECT_EQ(second.front(), some_frame(60, burst_packets_max));
        EXPECT_EQ(receive_copies(queue).size(), 1U);
        EXPECT_EQ(capture->counters().waiting, Packets{0});

        for (std::size_t frame = 0; frame < burst_packets_max + 10; ++frame) {
            ASSERT_TRUE(rings.arrive(0, some_frame(60, 7)));
        }
        receive_copies(queue);
        EXPECT_EQ(rings.buffers_in_use(), 10U);
    }
    EXPECT_EQ(rings.buffers_in_use(), 0U) << "a queue that ends gives back what it polled ahead";
}

TEST(Queue, a_file_of_a_full_burst_and_more_ends_after_its_last_packet) {
    const TestFolder folder;
    std::vector<TimedFrame> frames(burst_packets_max + 3, {.frame = some_frame(60, 1)});
    write_pcap(folder.file("a.pcap"), frames);
    const auto capture = opened(options_for("net_pcap7,rx_pcap=" + folder.file("a.pcap").string()));
    PacketSource& queue = capture->queue(0);
    EXPECT_EQ(receive_copies(queue).size(), burst_packets_max);
    EXPECT_FALSE(queue.exhausted());
    EXPECT_EQ(receive_copies(queue).size(), 3U);
    for (int turn = 0; turn < 8 && !queue.exhausted(); ++turn) {
        EXPECT_EQ(receive_copies(queue).size(), 0U);
    }
    EXPECT_TRUE(queue.exhausted());
}

// Somebody else holds buffers of the burst too, as a second port that sends them on would.
TEST(Queue, gives_back_only_its_own_hold_of_a_shared_buffer) {
    RingPort rings("shared", 1);
    const auto capture = opened(options_for(rings.device()));
    for (int frame = 0; frame < 3; ++frame) {
        ASSERT_TRUE(rings.arrive(0, some_frame(60, 1)));
    }
    Burst burst;
    capture->queue(0).receive(burst);
    ASSERT_EQ(burst.count, 3U);
    // A frame lies behind its buffer's head and the head room.
    auto* const head = rte_mbuf_of(burst.view()[1].frame.data());
    rte_mbuf_refcnt_update(head, 1);
    capture->queue(0).release();
    EXPECT_EQ(rings.buffers_in_use(), 1U);
    EXPECT_EQ(rte_mbuf_refcnt_read(head), 1);
    rte_pktmbuf_free(head);
    EXPECT_EQ(rings.buffers_in_use(), 0U);
}

TEST(Queue, a_burst_has_a_limit) {
    RingPort rings("limit", 1);
    const auto capture = opened(options_for(rings.device()));
    for (std::size_t frame = 0; frame <= burst_packets_max; ++frame) {
        ASSERT_TRUE(rings.arrive(0, some_frame(60, 0)));
    }
    EXPECT_EQ(receive_copies(capture->queue(0)).size(), burst_packets_max);
    EXPECT_EQ(receive_copies(capture->queue(0)).size(), 1U);
    EXPECT_EQ(receive_copies(capture->queue(0)).size(), 0U);
}

TEST(Queue, a_jumbo_frame_shows_its_first_buffer_and_gives_all_back) {
    RingPort rings("jumbo", 1);
    const auto capture = opened(options_for(rings.device()));
    const auto jumbo = some_frame(9'018, 5);
    for (int turn = 0; turn < 40; ++turn) {
        ASSERT_TRUE(rings.arrive(0, jumbo));
    }
    EXPECT_EQ(rings.buffers_in_use(), 40U * 5U);

    Burst burst;
    capture->queue(0).receive(burst);

    ASSERT_EQ(burst.count, 40U);
    EXPECT_EQ(burst.view()[0].wire_octets, 9'018U);
    ASSERT_EQ(burst.view()[0].frame.size(), buffer_frame_octets);
    EXPECT_TRUE(std::ranges::equal(burst.view()[0].frame, Bytes(jumbo).first(buffer_frame_octets)));
    capture->queue(0).release();
    EXPECT_EQ(rings.buffers_in_use(), 0U);
    EXPECT_EQ(capture->queue(0).counters().received_octets, Octets{40 * 9'018});
}

TEST(Queue, gives_back_what_it_holds_when_it_goes) {
    RingPort rings("goes", 1);
    {
        const auto capture = opened(options_for(rings.device()));
        rings.arrive(0, some_frame(60, 1));
        Burst burst;
        capture->queue(0).receive(burst);
        EXPECT_EQ(rings.buffers_in_use(), 1U);
    }
    EXPECT_EQ(rings.buffers_in_use(), 0U);
}

TEST(QueueDeathTest, receiving_twice_without_release_is_a_bug) {
    RingPort rings("twice", 1);
    const auto capture = opened(options_for(rings.device()));
    rings.arrive(0, some_frame(60, 1));
    Burst burst;
    capture->queue(0).receive(burst);
    ASSERT_EQ(burst.count, 1U);
    EXPECT_DEATH(capture->queue(0).receive(burst), "queue.cpp:.*broken expectation");
    capture->queue(0).release();
}

TEST(Queue, drains_what_waits_after_arrivals_stop) {
    RingPort rings("drains", 1);
    const auto capture = opened(options_for(rings.device()));
    for (int frame = 0; frame < 200; ++frame) {
        ASSERT_TRUE(rings.arrive(0, some_frame(60, 1)));
    }
    capture->stop_arrivals();
    std::size_t drained = 0;
    for (std::size_t got = 1; got != 0; drained += got) {
        got = receive_copies(capture->queue(0)).size();
    }
    EXPECT_EQ(drained, 200U);
}

TEST(Queue, a_drain_ends_though_arrivals_go_on) {
    RingPort rings("ends", 1);
    const auto capture = opened(options_for(rings.device()));
    capture->stop_arrivals();
    std::size_t drained = 0;
    for (std::size_t turn = 0; turn < 2 * drain_packets_max / burst_packets_max; ++turn) {
        for (std::size_t frame = 0; frame < burst_packets_max; ++frame) {
            rings.arrive(0, {});
        }
        drained += receive_copies(capture->queue(0)).size();
    }
    EXPECT_EQ(drained, drain_packets_max);
}

// Worth running under the thread sanitizer: workers poll, another thread reads the books.
TEST(Queue, workers_poll_while_others_read) {
    RingPort rings("workers", 2);
    PortOptions options = options_for(rings.device());
    options.queues = 2;
    const auto capture = opened(options);
    for (unsigned frame = 0; frame < 200; ++frame) {
        ASSERT_TRUE(rings.arrive(frame % 2, some_frame(64, 1)));
    }
    std::atomic<unsigned> registered{0};
    const auto work = [&](std::size_t index) {
        const ThreadRegistration registration;
        registered += registration.registered() ? 1U : 0U;
        for (std::size_t left = 100; left != 0;) {
            left -= receive_copies(capture->queue(index)).size();
        }
    };
    std::thread first(work, 0);
    std::thread second(work, 1);
    while (capture->counters().received != Packets{200}) {
        std::this_thread::yield();
    }
    first.join();
    second.join();
    EXPECT_EQ(registered, 2U);
    EXPECT_EQ(capture->counters().waiting, Packets{});
    EXPECT_EQ(rings.buffers_in_use(), 0U);
}

}  // namespace
}  // namespace tapmeter::dpdk
