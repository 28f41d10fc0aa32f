// A queue alone; with traffic it is tested in capture_test.cpp.

#include "xdp/queue.h"

#include <gtest/gtest.h>

#include "tests/xdp/veth.h"

namespace tapmeter::xdp {
namespace {

using testing::shell;
using testing::VethTest;

const LiveClock live_clock;

class QueueTest : public VethTest {
protected:
    static Queue::Options options(std::uint32_t queue) {
        Queue::Options made;
        made.interface = "xdp_in";
        made.queue = queue;
        made.rx_ring = 64;
        made.clock = &live_clock;
        return made;
    }
};

TEST_F(QueueTest, receives_nothing_where_nothing_arrives) {
    const auto queue = Queue::open(options(0));
    ASSERT_TRUE(queue) << queue.error().message;
    Burst burst;
    burst.count = 7;
    for (int round = 0; round < 3; ++round) {
        (*queue)->receive(burst);
        EXPECT_EQ(burst.count, 0U);
        (*queue)->release();
    }
    EXPECT_EQ((*queue)->counters().received.value, 0U);
    EXPECT_EQ((*queue)->waiting().value, 0U);
    EXPECT_EQ((*queue)->losses().no_buffer, 0U);
    EXPECT_EQ((*queue)->describe(), "xdp xdp_in queue 0");
    EXPECT_FALSE((*queue)->exhausted());
    EXPECT_FALSE((*queue)->zero_copy());
}

TEST_F(QueueTest, last_queue_and_one_beyond) {
    EXPECT_TRUE(Queue::open(options(3)));
    const auto beyond = Queue::open(options(4));
    ASSERT_FALSE(beyond);
    EXPECT_NE(beyond.error().message.find("xdp_in queue 4"), std::string::npos);
    EXPECT_NE(beyond.error().message.find("ethtool -l xdp_in"), std::string::npos)
        << beyond.error().message;
}

TEST_F(QueueTest, is_held_by_one_socket_only) {
    const auto first = Queue::open(options(0));
    ASSERT_TRUE(first);
    const auto second = Queue::open(options(0));
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("another AF_XDP socket holds this queue"),
              std::string::npos)
        << second.error().message;
}

TEST_F(QueueTest, frames_in_pieces_where_the_kernel_has_them) {
    Queue::Options wish = options(0);
    wish.frames_in_pieces = true;
    const auto queue = Queue::open(wish);
    ASSERT_TRUE(queue) << queue.error().message;
    EXPECT_TRUE((*queue)->takes_pieces());
}

}  // namespace
}  // namespace tapmeter::xdp
