#include "xdp/devices.h"

#include <gtest/gtest.h>
#include <chrono>
#include <thread>

#include "tests/xdp/veth.h"

namespace tapmeter::xdp {
namespace {

using testing::shell;
using testing::VethTest;

Device named(const std::vector<Device>& devices, const std::string& name) {
    for (const Device& device : devices) {
        if (device.name == name) {
            return device;
        }
    }
    ADD_FAILURE() << name << " is not listed";
    return {};
}

class DevicesTest : public VethTest {};

// The kernel's link watch tells of a lost carrier up to a second later.
bool goes_down(const std::string& name) {
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (named(*list_devices(), name).up) {
        if (std::chrono::steady_clock::now() > patience) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    return true;
}

TEST_F(DevicesTest, lists_what_can_be_captured) {
    ASSERT_TRUE(shell("ip tuntap add xdp_tun mode tun"));
    ASSERT_TRUE(shell("ip link set xdp_in address 02:00:00:00:00:7f mtu 2000"));
    const auto devices = list_devices();
    ASSERT_TRUE(devices) << devices.error().message;
    EXPECT_EQ(devices->size(), 3U) << "lo and both ends; a tun carries no Ethernet frames";
    const Device veth = named(*devices, "xdp_in");
    EXPECT_EQ(veth.driver, "veth");
    EXPECT_EQ(veth.bus_address, "");
    EXPECT_EQ(veth.mac, "02:00:00:00:00:7f");
    EXPECT_EQ(veth.mtu, 2'000U);
    EXPECT_EQ(veth.queues, 4U);
    EXPECT_EQ(veth.speed_bits, 10'000'000'000U);
    EXPECT_TRUE(veth.up);
    EXPECT_EQ(veth.numa_node, std::nullopt);
    ASSERT_TRUE(shell("ip link set xdp_out down"));
    EXPECT_TRUE(goes_down("xdp_in"));
}

TEST_F(DevicesTest, says_what_the_driver_can_do) {
    const auto devices = list_devices();
    ASSERT_TRUE(devices);
    const Device veth = named(*devices, "xdp_in");
    if (!veth.xdp) {
        GTEST_SKIP() << "this kernel does not tell (before Linux 6.3)";
    }
    EXPECT_TRUE(veth.xdp->native);
    EXPECT_FALSE(veth.xdp->zero_copy);
    EXPECT_EQ(veth.best_method, "AF_XDP native, copying");
    EXPECT_EQ(named(*devices, "lo").best_method, "AF_XDP generic, for tests only");
}

TEST(Devices, are_listed_for_everyone) {
    const auto devices = list_devices();
    ASSERT_TRUE(devices) << devices.error().message;
    EXPECT_GE(devices->size(), 1U);
}

}  // namespace
}  // namespace tapmeter::xdp
