#include "xdp/link.h"

#include <gtest/gtest.h>
#include <linux/netlink.h>

#include "tests/xdp/veth.h"

namespace tapmeter::xdp {
namespace {

using testing::shell;
using testing::VethTest;

TEST(LinkLoopback, is_there_for_everyone) {
    auto route = Netlink::open(NETLINK_ROUTE);
    ASSERT_TRUE(route);
    const auto link = read_link(*route, "lo");
    ASSERT_TRUE(link) << link.error().message;
    EXPECT_TRUE(link->is_loopback);
    EXPECT_TRUE(link->carries_ethernet);
    EXPECT_EQ(link->name, "lo");
    EXPECT_EQ(read_link(*route, link->index)->name, "lo");
    const auto links = read_links(*route);
    ASSERT_TRUE(links);
    EXPECT_GE(links->size(), 1U);
}

class LinkTest : public VethTest {};

TEST_F(LinkTest, tells_what_a_veth_is) {
    auto route = Netlink::open(NETLINK_ROUTE);
    ASSERT_TRUE(route);
    ASSERT_TRUE(shell("ip link set xdp_in address 02:00:00:00:00:7f mtu 2000"));
    const auto link = read_link(*route, "xdp_in");
    ASSERT_TRUE(link) << link.error().message;
    EXPECT_EQ(link->kind, "veth");
    EXPECT_EQ(link->mac, "02:00:00:00:00:7f");
    EXPECT_EQ(link->mtu, 2'000U);
    EXPECT_EQ(link->rx_queues, 4U);
    EXPECT_EQ(link->rx_missed, 0U);
    EXPECT_TRUE(link->carries_ethernet);
    EXPECT_TRUE(link->up);
    ASSERT_TRUE(shell("ip link set xdp_out down"));
    EXPECT_FALSE(read_link(*route, "xdp_in")->up) << "no carrier";
    ASSERT_TRUE(shell("ip link set xdp_out up; ip link set xdp_in down"));
    EXPECT_FALSE(read_link(*route, "xdp_in")->up);
}

TEST_F(LinkTest, unknown_names_list_the_known_ones) {
    auto route = Netlink::open(NETLINK_ROUTE);
    ASSERT_TRUE(route);
    const auto missing = read_link(*route, "eth99");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, Error::Kind::no_such_device);
    EXPECT_NE(missing.error().message.find("xdp_in"), std::string::npos) << missing.error().message;
    const auto longest = read_link(*route, std::string(15, 'x'));
    ASSERT_FALSE(longest);
    EXPECT_NE(longest.error().message.find("no such network interface"), std::string::npos);
    const auto too_long = read_link(*route, std::string(16, 'x'));
    ASSERT_FALSE(too_long);
    EXPECT_NE(too_long.error().message.find("1 to 15 characters"), std::string::npos);
    EXPECT_FALSE(read_link(*route, 0x7fff'fff0U));
}

}  // namespace
}  // namespace tapmeter::xdp
