#include "dpdk/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/dpdk/support.h"

namespace tapmeter::dpdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TestFolder;

const std::vector<DriverInfo> drivers{
    {"net_ice", "* igb_uio | vfio-pci", {{0x8086, 0x1592}}},
    {"mlx5_eth", "* ib_uverbs & mlx5_core & mlx5_ib", {{0x15b3, 0x101d}}},
    {"net_virtio", "* igb_uio | vfio-pci", {{0x1af4, 0x1041}}},
};

void add_device(const TestFolder& sys, const std::string& address, const std::string& vendor,
                const std::string& device) {
    sys.write(address + "/class", "0x020000\n");
    sys.write(address + "/vendor", vendor + "\n");
    sys.write(address + "/device", device + "\n");
}

void bind_driver(const TestFolder& sys, const std::string& address, const std::string& driver) {
    std::filesystem::create_symlink("../../../../bus/pci/drivers/" + driver,
                                    sys.file(address + "/driver"));
}

TEST(Devices, lists_network_devices_with_the_way_to_capture_them) {
    const TestFolder sys;
    add_device(sys, "0000:17:00.0", "0x8086", "0x1592");
    sys.write("0000:17:00.0/numa_node", "1\n");
    sys.write("0000:17:00.0/net/ens1f0/mtu", "1500\n");
    bind_driver(sys, "0000:17:00.0", "ice");
    add_device(sys, "0000:17:00.1", "0x8086", "0x1592");
    bind_driver(sys, "0000:17:00.1", "vfio-pci");
    add_device(sys, "0000:3b:00.0", "0x15b3", "0x101d");
    sys.write("0000:3b:00.0/net/ens2/mtu", "1500\n");
    bind_driver(sys, "0000:3b:00.0", "mlx5_core");
    add_device(sys, "0000:00:03.0", "0x1af4", "0x1041");
    sys.write("0000:00:03.0/virtio0/net/eth0/mtu", "1500\n");
    bind_driver(sys, "0000:00:03.0", "virtio-pci");
    add_device(sys, "0000:05:00.0", "0x10ec", "0x8168");
    sys.write("0000:00:1f.0/class", "0x060100\n");

    const auto devices = list_devices(sys.file(""), drivers);

    ASSERT_EQ(devices.size(), 5U) << "the bridge is no network device";
    EXPECT_EQ(devices[0].address, "0000:00:03.0");
    EXPECT_THAT(devices[0].interfaces, ElementsAre("eth0"));
    EXPECT_THAT(devices[0].best_capture, HasSubstr("xdp:eth0; or for DPDK: dpdk-devbind.py"));
    EXPECT_EQ(devices[1].address, "0000:05:00.0");
    EXPECT_EQ(devices[1].support, DpdkDevice::Support::no);
    EXPECT_EQ(devices[1].kernel_driver, "");
    EXPECT_EQ(devices[1].numa_node, -1);
    EXPECT_EQ(devices[2].kernel_driver, "ice");
    EXPECT_EQ(devices[2].numa_node, 1);
    EXPECT_EQ(devices[2].vendor, 0x8086);
    EXPECT_EQ(devices[2].dpdk_driver, "net_ice");
    EXPECT_THAT(devices[2].best_capture,
                HasSubstr("dpdk-devbind.py -b vfio-pci 0000:17:00.0, then pci:0000:17:00.0"));
    EXPECT_EQ(devices[3].best_capture, "pci:0000:17:00.1 (net_ice)");
    EXPECT_EQ(devices[4].support, DpdkDevice::Support::yes);
    EXPECT_EQ(devices[4].best_capture, "pci:0000:3b:00.0 (mlx5_eth, stays bound to mlx5_core)");
}

TEST(Devices, without_drivers_support_is_unknown) {
    const TestFolder sys;
    add_device(sys, "0000:05:00.0", "0x10ec", "0x8168");
    sys.write("0000:05:00.0/net/enp5s0/mtu", "1500\n");
    const auto devices = list_devices(sys.file(""), {});
    ASSERT_EQ(devices.size(), 1U);
    EXPECT_EQ(devices[0].support, DpdkDevice::Support::unknown);
    EXPECT_EQ(devices[0].best_capture, "xdp:enp5s0");
}

TEST(Devices, odd_files_and_a_missing_bus_are_no_devices) {
    const TestFolder sys;
    sys.write("0000:05:00.0/class", "rubbish\n");
    sys.write("0000:06:00.0/vendor", "0x8086\n");
    EXPECT_TRUE(list_devices(sys.file(""), drivers).empty());
    EXPECT_TRUE(list_devices(sys.file("absent"), drivers).empty());
}

}  // namespace
}  // namespace tapmeter::dpdk
