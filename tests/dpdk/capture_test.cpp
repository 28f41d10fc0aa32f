#include "dpdk/capture.h"

#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "tests/dpdk/support.h"

namespace tapmeter::dpdk {
namespace {

using std::chrono::microseconds;
using testing::options_for;
using testing::receive_copies;
using testing::RingPort;
using testing::some_frame;
using testing::TestFolder;
using testing::TimedFrame;
using testing::write_pcap;

std::uint64_t sum_of_dropped(const CaptureCounters& books) {
    return std::accumulate(books.dropped.begin(), books.dropped.end(), std::uint64_t{0});
}

void expect_balance(const CaptureCounters& books) {
    EXPECT_EQ(books.offered.value,
              books.received.value + books.waiting.value + sum_of_dropped(books));
}

TEST(Capture, net_null_gives_frames_without_end_until_stopped) {
    const auto capture = open_port(options_for("net_null0,size=100"));
    ASSERT_TRUE(capture) << capture.error().message;
    EXPECT_TRUE((*capture)->symmetric()) << "one queue";
    EXPECT_EQ((*capture)->describe(), "dpdk net_null0 (net_null)");
    PacketSource& queue = (*capture)->queue(0);
    for (int turn = 0; turn < 1'000; ++turn) {  // far more frames than the pool holds
        Burst burst;
        queue.receive(burst);
        ASSERT_EQ(burst.count, burst_packets_max);
        ASSERT_EQ(burst.view()[0].frame.size(), 100U);
        queue.release();
    }
    EXPECT_EQ(queue.counters().received, Packets{1'000 * burst_packets_max});
    EXPECT_EQ(queue.counters().received_octets, Octets{1'000 * burst_packets_max * 100});
    (*capture)->stop_arrivals();
    EXPECT_TRUE(receive_copies(queue).empty());
    const CaptureCounters books = (*capture)->counters();
    EXPECT_EQ(books.offered, books.received);
    EXPECT_EQ(books.received, Packets{1'000 * burst_packets_max});
    expect_balance(books);
}

TEST(Capture, tells_its_capabilities) {
    PortOptions options = options_for("net_null1");
    options.queues = 2;
    const auto capture = open_port(options);
    ASSERT_TRUE(capture) << capture.error().message;
    const auto capabilities = (*capture)->capabilities();
    const auto value_of = [&](const std::string& name) {
        const auto found = std::ranges::find(capabilities, name, &Capability::name);
        return found == capabilities.end() ? std::string{} : found->value;
    };
    EXPECT_EQ(value_of("mode"), "DPDK, driver net_null");
    EXPECT_NE(value_of("symmetric hash").find("software"), std::string::npos);
    EXPECT_FALSE((*capture)->symmetric()) << "net_null claims a hash and computes none";
    EXPECT_NE(value_of("queues").find("2 of "), std::string::npos);
}

std::vector<TimedFrame> some_frames(std::size_t count) {
    std::vector<TimedFrame> frames;
    for (std::size_t i = 0; i < count; ++i) {
        frames.push_back({microseconds{1'700'000'000'000'001 + 1'000'003 * static_cast<long>(i)},
                          some_frame(60 + i % 1'455, static_cast<std::uint8_t>(i))});
    }
    return frames;
}

TEST(Capture, a_file_is_given_frame_by_frame_with_its_times_and_ends) {
    const TestFolder folder;
    const auto frames = some_frames(1'000);
    write_pcap(folder.file("a.pcap"), frames);
    const auto capture =
        open_port(options_for("net_pcap0,rx_pcap=" + folder.file("a.pcap").string()));
    ASSERT_TRUE(capture) << capture.error().message;
    PacketSource& queue = (*capture)->queue(0);
    std::size_t seen = 0;
    std::uint64_t octets = 0;
    while (!queue.exhausted()) {
        Burst burst;
        queue.receive(burst);
        for (const Packet& packet : burst.view()) {
            ASSERT_LT(seen, frames.size());
            EXPECT_TRUE(std::ranges::equal(packet.frame, frames[seen].frame));
            EXPECT_EQ(packet.observed_at.time_since_epoch(), frames[seen].time);
            octets += packet.wire_octets;
            ++seen;
        }
        queue.release();
    }
    EXPECT_EQ(seen, frames.size());
    EXPECT_TRUE(receive_copies(queue).empty());
    const CaptureCounters books = (*capture)->counters();
    EXPECT_EQ(books.offered, Packets{1'000});
    EXPECT_EQ(books.received, Packets{1'000});
    EXPECT_EQ(books.received_octets, Octets{octets});
    EXPECT_EQ(sum_of_dropped(books), 0U);
}

TEST(Capture, an_empty_file_ends_at_once) {
    const TestFolder folder;
    write_pcap(folder.file("e.pcap"), {});
    const auto capture =
        open_port(options_for("net_pcap1,rx_pcap=" + folder.file("e.pcap").string()));
    ASSERT_TRUE(capture) << capture.error().message;
    EXPECT_TRUE(receive_copies((*capture)->queue(0)).empty());
    EXPECT_TRUE((*capture)->queue(0).exhausted());
}

TEST(Capture, vlan_tags_stay_in_band_and_large_frames_span_buffers) {
    const TestFolder folder;
    auto tagged = some_frame(64, 1);
    tagged[12] = std::byte{0x81};
    tagged[13] = std::byte{0x00};
    const auto superframe = some_frame(65'000, 2);
    write_pcap(folder.file("v.pcap"), {{{}, tagged}, {{}, superframe}});
    const auto capture =
        open_port(options_for("net_pcap2,rx_pcap=" + folder.file("v.pcap").string()));
    ASSERT_TRUE(capture) << capture.error().message;
    Burst burst;
    (*capture)->queue(0).receive(burst);
    ASSERT_EQ(burst.count, 2U);
    EXPECT_TRUE(std::ranges::equal(burst.view()[0].frame, tagged));
    EXPECT_EQ(burst.view()[1].wire_octets, 65'000U);
    (*capture)->queue(0).release();
}

TEST(Capture, several_files_are_several_queues) {
    const TestFolder folder;
    write_pcap(folder.file("1.pcap"), some_frames(10));
    write_pcap(folder.file("2.pcap"), some_frames(70));
    PortOptions options = options_for("net_pcap3,rx_pcap=" + folder.file("1.pcap").string() +
                                      ",rx_pcap=" + folder.file("2.pcap").string());
    options.workers = 4;
    const auto capture = open_port(options);
    ASSERT_TRUE(capture) << capture.error().message;
    ASSERT_EQ((*capture)->queues(), 2U);
    EXPECT_EQ(receive_copies((*capture)->queue(0)).size(), 10U);
    EXPECT_EQ(receive_copies((*capture)->queue(1)).size(), 64U);
    EXPECT_TRUE(receive_copies((*capture)->queue(0)).empty());
    EXPECT_TRUE((*capture)->queue(0).exhausted());
    EXPECT_FALSE((*capture)->queue(1).exhausted());
}

TEST(Capture, an_endless_file_fits_its_pool_and_never_ends) {
    const TestFolder folder;
    write_pcap(folder.file("i.pcap"), some_frames(5'000));
    const auto capture =
        open_port(options_for("net_pcap4,infinite_rx=1,rx_pcap=" + folder.file("i.pcap").string()));
    ASSERT_TRUE(capture) << capture.error().message;
    std::size_t seen = 0;
    while (seen < 20'000) {
        const std::size_t got = receive_copies((*capture)->queue(0)).size();
        ASSERT_GT(got, 0U);
        seen += got;
    }
    EXPECT_FALSE((*capture)->queue(0).exhausted());
    (*capture)->stop_arrivals();
    EXPECT_TRUE(receive_copies((*capture)->queue(0)).empty());
}

// All buffers of a pool, taken away for a while.
class TakenBuffers {
public:
    explicit TakenBuffers(rte_mempool* pool) {
        for (rte_mbuf* buffer = rte_pktmbuf_alloc(pool); buffer != nullptr;
             buffer = rte_pktmbuf_alloc(pool)) {
            buffers_.push_back(buffer);
        }
    }
    TakenBuffers(const TakenBuffers&) = delete;
    TakenBuffers& operator=(const TakenBuffers&) = delete;
    ~TakenBuffers() {
        rte_pktmbuf_free_bulk(buffers_.data(), static_cast<unsigned>(buffers_.size()));
    }

private:
    std::vector<rte_mbuf*> buffers_;
};

TEST(Capture, frames_lost_for_want_of_a_buffer_are_in_the_books) {
    const TestFolder folder;
    write_pcap(folder.file("b.pcap"), some_frames(100));
    const auto capture =
        open_port(options_for("net_pcap5,rx_pcap=" + folder.file("b.pcap").string()));
    ASSERT_TRUE(capture) << capture.error().message;
    std::uint16_t port = 0;
    ASSERT_EQ(rte_eth_dev_get_port_by_name("net_pcap5", &port), 0);
    rte_mempool* const pool = rte_mempool_lookup(("tm." + std::to_string(port) + ".0").c_str());
    ASSERT_NE(pool, nullptr);
    PacketSource& queue = (*capture)->queue(0);
    {
        const TakenBuffers taken(pool);
        for (int frame = 0; frame < 30; ++frame) {
            ASSERT_TRUE(receive_copies(queue).empty());
            ASSERT_FALSE(queue.exhausted()) << "frames are lost one by one; this is not the end";
        }
    }
    std::size_t seen = 0;
    while (!queue.exhausted()) {
        seen += receive_copies(queue).size();
    }
    EXPECT_EQ(seen, 70U);
    const CaptureCounters books = (*capture)->counters();
    EXPECT_EQ(books.dropped[index_of(Dropped::no_buffer)], 30U);
    EXPECT_EQ(books.offered, Packets{100});
    expect_balance(books);
}

TEST(Capture, a_broken_file_ends_where_it_breaks_and_says_so) {
    const TestFolder folder;
    write_pcap(folder.file("t.pcap"), some_frames(3));
    const auto file = folder.file("t.pcap");
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 5);
    const auto capture = open_port(options_for("net_pcap6,rx_pcap=" + file.string()));
    ASSERT_TRUE(capture) << capture.error().message;
    std::size_t seen = 0;
    while (!(*capture)->queue(0).exhausted()) {
        seen += receive_copies((*capture)->queue(0)).size();
    }
    EXPECT_EQ(seen, 2U);
    EXPECT_GE((*capture)->counters().dropped[index_of(Dropped::rx_error)], 1U);
    expect_balance((*capture)->counters());
}

// The sender of a ring is told when it is full: what it was refused plus what we received is all.
TEST(Capture, a_full_ring_refuses_and_nothing_else_is_lost) {
    RingPort rings("full", 1);
    const auto capture = open_port(options_for(rings.device()));
    ASSERT_TRUE(capture) << capture.error().message;
    std::uint64_t refused = 0;
    for (int frame = 0; frame < 1'000; ++frame) {
        refused += rings.arrive(0, some_frame(60, 1)) ? 0U : 1U;
    }
    EXPECT_EQ(refused, 1'000U - (RingPort::ring_slots - 1));
    std::uint64_t received = 0;
    for (std::size_t got = 1; got != 0; received += got) {
        got = receive_copies((*capture)->queue(0)).size();
    }
    EXPECT_EQ(received + refused, 1'000U);
    EXPECT_EQ((*capture)->counters().offered, Packets{received});
    expect_balance((*capture)->counters());
    EXPECT_EQ(rings.buffers_in_use(), 0U);
}

}  // namespace
}  // namespace tapmeter::dpdk
