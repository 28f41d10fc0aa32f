#include "xdp/driver_features.h"

#include <gtest/gtest.h>
#include <net/if.h>

#include "tests/xdp/veth.h"

namespace tapmeter::xdp {
namespace {

using testing::VethTest;

class DriverFeatures : public VethTest {};

TEST_F(DriverFeatures, of_a_driver_with_native_xdp_and_of_one_without) {
    const auto veth = read_xdp_features(if_nametoindex("xdp_in"));
    const auto loopback = read_xdp_features(if_nametoindex("lo"));
    if (!veth || !loopback) {
        GTEST_SKIP() << "this kernel does not tell (before Linux 6.3)";
    }
    EXPECT_TRUE(veth->native);
    EXPECT_TRUE(veth->pieces);
    EXPECT_FALSE(veth->zero_copy);
    EXPECT_FALSE(loopback->native);
}

TEST(DriverFeaturesMissing, no_such_interface) {
    EXPECT_FALSE(read_xdp_features(0x7fff'fff0U));
    EXPECT_FALSE(read_xdp_features(0));
}

}  // namespace
}  // namespace tapmeter::xdp
