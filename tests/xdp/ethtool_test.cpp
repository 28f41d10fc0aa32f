#include "xdp/ethtool.h"

#include <gtest/gtest.h>

#include "tests/xdp/veth.h"

namespace tapmeter::xdp {
namespace {

using testing::shell;
using testing::VethTest;

class EthtoolTest : public VethTest {};

TEST_F(EthtoolTest, tells_what_the_driver_tells) {
    const Ethtool veth("xdp_in");
    EXPECT_EQ(veth.driver(), "veth");
    EXPECT_EQ(veth.bus_address(), "");
    EXPECT_EQ(veth.rx_queues(), 4U);
    EXPECT_EQ(veth.speed_bits(), 10'000'000'000U);
    EXPECT_EQ(veth.strips_vlan_tags(), true) << "veth says so, and keeps them all the same";
    EXPECT_FALSE(veth.has_symmetric_hash()) << "veth has no receive hash to ask for";
    ASSERT_TRUE(shell("ethtool -L xdp_in rx 2 >/dev/null"));
    EXPECT_EQ(veth.rx_queues(), 2U);
}

TEST(EthtoolMissing, answers_nothing) {
    for (const char* name : {"", "nonexistent0", "a_name_much_longer_than_fifteen"}) {
        const Ethtool none(name);
        EXPECT_EQ(none.driver(), "");
        EXPECT_EQ(none.rx_queues(), std::nullopt);
        EXPECT_EQ(none.speed_bits(), std::nullopt);
        EXPECT_EQ(none.strips_vlan_tags(), std::nullopt);
        EXPECT_FALSE(none.has_symmetric_hash());
    }
}

}  // namespace
}  // namespace tapmeter::xdp
