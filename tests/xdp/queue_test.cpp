// A queue alone; with traffic it is tested in capture_test.cpp and capture_returns_test.cpp.
#include "xdp/queue.h"

#include <gtest/gtest.h>

#include "tests/xdp/veth.h"

namespace tapmeter::xdp {
namespace {

using testing::VethTest;

const LiveClock live_clock;

class QueueTest : public VethTest {
protected:
    // Null where the kernel refuses it, as it does for a moment after the last one was closed.
    static std::unique_ptr<Socket> socket(std::uint32_t queue) {
        Socket::Options options;
        options.interface = "xdp_in";
        options.queue = queue;
        options.rx_ring = 64;
        auto made = Socket::open(options);
        EXPECT_TRUE(made) << made.error().message;
        return made ? std::move(*made) : nullptr;
    }
    static void receive_nothing(Queue& queue) {
        Burst burst;
        burst.count = 7;
        queue.receive(burst);
        EXPECT_EQ(burst.count, 0U);
        queue.release();
    }
};

TEST_F(QueueTest, receives_nothing_where_nothing_arrives) {
    Queue queue({.name = "xdp_in queue 0", .clock = &live_clock}, socket(0));
    for (int round = 0; round < 3; ++round) {
        receive_nothing(queue);
    }
    EXPECT_EQ(queue.counters().received.value, 0U);
    EXPECT_EQ(queue.waiting().value, 0U);
    EXPECT_EQ(queue.losses().no_buffer, 0U);
    EXPECT_EQ(queue.describe(), "xdp xdp_in queue 0");
    EXPECT_FALSE(queue.exhausted());
}

TEST_F(QueueTest, goes_over_to_another_socket_once_it_is_polled) {
    Queue queue({.name = "xdp_in queue 0", .clock = &live_clock}, socket(0));
    const Socket* const first = &queue.socket();
    EXPECT_TRUE(queue.settled()) << "nothing has changed";
    queue.change_to(socket(1));
    const Socket* const second = &queue.socket();
    EXPECT_NE(first, second);
    EXPECT_FALSE(queue.settled()) << "nobody has polled";
    EXPECT_EQ(queue.waiting().value, 0U);
    receive_nothing(queue);
    EXPECT_TRUE(queue.settled());
    EXPECT_EQ(&queue.socket(), second);
    queue.change_to(socket(2));
    receive_nothing(queue);
    EXPECT_EQ(queue.waiting().value, 0U) << "gone over, and the old one still there";
    EXPECT_EQ(queue.losses().ring_full, 0U);
    EXPECT_TRUE(queue.settled());
    receive_nothing(queue);
}

}  // namespace
}  // namespace tapmeter::xdp
