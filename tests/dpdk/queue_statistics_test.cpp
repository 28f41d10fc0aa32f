#include "dpdk/queue_statistics.h"

#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include "tests/dpdk/support.h"

namespace tapmeter::dpdk {
namespace {

using testing::options_for;
using testing::receive_copies;
using testing::RingPort;
using testing::some_frame;

// net_ring counts packets by queue; DPDK gives them the usual names.
TEST(QueueStatistics, shows_what_each_queue_of_a_port_was_given) {
    RingPort rings("perqueue", 2);
    PortOptions options = options_for(rings.device());
    options.queues = 2;
    const auto port = open_port(options);
    ASSERT_TRUE(port) << port.error().message;
    for (std::uint8_t seed = 1; seed <= 3; ++seed) {
        ASSERT_TRUE(rings.arrive(1, some_frame(60, seed)));
    }
    ASSERT_TRUE(rings.arrive(0, some_frame(100, 4)));
    EXPECT_EQ(receive_copies((*port)->queue(0)).size(), 1U);
    EXPECT_EQ(receive_copies((*port)->queue(1)).size(), 3U);

    const auto queues = (*port)->device_queues();
    ASSERT_EQ(queues.size(), 2U);
    EXPECT_EQ(queues[0].packets, 1U);
    EXPECT_EQ(queues[1].packets, 3U);
    EXPECT_EQ(queues[1].errors, 0U);
}

TEST(QueueStatistics, a_driver_that_counts_nothing_by_queue_gives_none) {
    EXPECT_TRUE(QueueStatistics().read().empty());
    EXPECT_TRUE(QueueStatistics::find(RTE_MAX_ETHPORTS - 1, 2).read().empty())
        << "a port that is not there";
}

}  // namespace
}  // namespace tapmeter::dpdk
