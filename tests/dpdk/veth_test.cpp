#include "tests/dpdk/veth.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "dpdk/capture.h"
#include "tests/dpdk/support.h"

namespace tapmeter::dpdk {
namespace {

using testing::Frame;
using testing::options_for;
using testing::receive_copies;
using testing::some_frame;
using testing::udp_frame;
using testing::Veth;

std::size_t drain(PacketSource& queue) {
    std::size_t count = 0;
    for (std::size_t got = 1; got != 0; count += got) {
        got = receive_copies(queue).size();
    }
    return count;
}

TEST_F(Veth, two_queues_share_what_arrives) {
    PortOptions options = options_for("net_af_packet0,iface=dpdk_veth0,qpairs=2");
    options.queues = 2;
    const auto capture = open_port(options);
    ASSERT_TRUE(capture) << capture.error().message;
    EXPECT_FALSE((*capture)->symmetric());
    for (int turn = 0; turn < 5; ++turn) {
        for (int flow = 0; flow < 100; ++flow) {
            send(udp_frame(static_cast<std::uint8_t>(flow)));
        }
    }
    const std::size_t first = drain((*capture)->queue(0));
    const std::size_t second = drain((*capture)->queue(1));
    EXPECT_GT(first, 0U);
    EXPECT_GT(second, 0U);
    EXPECT_EQ(first + second, 500U);
    const CaptureCounters books = (*capture)->counters();
    EXPECT_EQ(books.offered, Packets{500});
    EXPECT_EQ(books.received, Packets{500});
    EXPECT_EQ(books.received_octets, Octets{50'000});
    EXPECT_EQ(books.waiting, Packets{});
}

TEST_F(Veth, a_full_ring_is_in_the_books) {
    const auto capture = open_port(options_for(
        "net_af_packet1,iface=dpdk_veth0,qpairs=1,blocksz=4096,framesz=2048,framecnt=128"));
    ASSERT_TRUE(capture) << capture.error().message;
    for (int packet = 0; packet < 3'000; ++packet) {
        send(udp_frame(static_cast<std::uint8_t>(packet)));
    }
    const std::size_t received = drain((*capture)->queue(0));
    EXPECT_GT(received, 0U);
    EXPECT_LT(received, 3'000U);
    const CaptureCounters books = (*capture)->counters();
    EXPECT_EQ(books.received, Packets{received});
    EXPECT_EQ(books.dropped[index_of(Dropped::rx_missed)], 3'000U - received);
    EXPECT_EQ(books.offered, Packets{3'000});
    EXPECT_EQ((*capture)->counters().offered, Packets{3'000}) << "and stays so when read again";
}

TEST_F(Veth, vlan_tags_arrive_in_band) {
    const auto capture = open_port(options_for("net_af_packet2,iface=dpdk_veth0"));
    ASSERT_TRUE(capture) << capture.error().message;
    Frame tagged = some_frame(200, 9);
    tagged[0] = std::byte{2};
    tagged[12] = std::byte{0x81};
    tagged[13] = std::byte{0x00};
    send(tagged);
    const auto frames = receive_copies((*capture)->queue(0));
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0], tagged);
}

// The kernel tells the state of a link up to a second late.
bool becomes(const DpdkCapture& capture, bool up) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (capture.counters().link_up != up && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    return capture.counters().link_up == up;
}

TEST_F(Veth, the_link_is_that_of_the_interface) {
    const auto capture = open_port(options_for("net_af_packet3,iface=dpdk_veth0"));
    ASSERT_TRUE(capture) << capture.error().message;
    EXPECT_TRUE(becomes(**capture, true));
    ASSERT_TRUE(testing::run("ip link set dpdk_veth1 down"));
    EXPECT_TRUE(becomes(**capture, false));
    ASSERT_TRUE(testing::run("ip link set dpdk_veth1 up"));
    EXPECT_TRUE(becomes(**capture, true));
}

// Starting such a port crashes inside the driver: it must not come that far.
TEST_F(Veth, af_xdp_on_an_interface_that_is_not_there_is_an_error) {
    const auto capture = open_port(options_for("net_af_xdp0,iface=dpdk_none"));
    ASSERT_FALSE(capture);
    EXPECT_NE(capture.error().message.find("net_af_xdp0"), std::string::npos);
}

TEST_F(Veth, af_xdp_receives) {
    const auto capture = open_port(options_for("net_af_xdp1,iface=dpdk_veth0"));
    if (!capture) {
        GTEST_SKIP() << "no AF_XDP here: " << capture.error().message;
    }
    for (int flow = 0; flow < 100; ++flow) {
        send(udp_frame(static_cast<std::uint8_t>(flow)));
    }
    EXPECT_EQ(drain((*capture)->queue(0)), 100U);
}

}  // namespace
}  // namespace tapmeter::dpdk
