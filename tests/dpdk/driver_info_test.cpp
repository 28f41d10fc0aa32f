#include "dpdk/driver_info.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace tapmeter::dpdk {
namespace {

using namespace std::string_literals;

TEST(DriverInfo, reads_what_drivers_leave_in_a_program) {
    const std::string program =
        "\x7f"s +
        "ELF\0junk\0PMD_INFO_STRING= {\"name\" : \"net_a\", \"kmod\" : \"* vfio-pci\", "
        "\"pci_ids\" : [[32902, 4278, 65535, 65535],[5555, 65535, 65535, 65535] ]}\0"s +
        "PMD_INFO_STRING= \0"s + "PMD_INFO_STRING= {\"name\": \"net_b\", \"pci_ids\": []}\0"s +
        "PMD_INFO_STRING= {\"name\": \"net_c"s;
    const auto drivers = parse_driver_infos(program);
    ASSERT_EQ(drivers.size(), 2U);
    EXPECT_EQ(drivers[0].name, "net_a");
    EXPECT_EQ(drivers[0].kernel_modules, "* vfio-pci");
    EXPECT_TRUE(drivers[0].serves(0x8086, 4278));
    EXPECT_FALSE(drivers[0].serves(0x8086, 4279));
    EXPECT_TRUE(drivers[0].serves(5555, 1)) << "any device of this vendor";
    EXPECT_FALSE(drivers[0].serves(5556, 1));
    EXPECT_EQ(drivers[1].name, "net_b");
    EXPECT_TRUE(drivers[1].devices.empty());
}

TEST(DriverInfo, survives_any_cut) {
    const std::string whole = "PMD_INFO_STRING= {\"name\" : \"n\", \"pci_ids\" : [[1, 2, 3, 4]]}";
    for (std::size_t octets = 0; octets <= whole.size(); ++octets) {
        EXPECT_LE(parse_driver_infos(whole.substr(0, octets)).size(), 1U);
    }
    const auto overflow = parse_driver_infos(
        "PMD_INFO_STRING= {\"name\" : \"n\", \"pci_ids\" : [[99999999999, 2, 3, 4]]}");
    ASSERT_EQ(overflow.size(), 1U);
    EXPECT_TRUE(overflow[0].devices.empty());
}

// This program carries the drivers that the product carries.
TEST(DriverInfo, finds_the_drivers_of_this_program) {
    const auto drivers = linked_drivers();
    if (drivers.empty()) {
        GTEST_SKIP() << "DPDK is linked as shared libraries here";
    }
    for (const char* name : {"net_null", "net_pcap", "net_ring", "net_af_packet"}) {
        EXPECT_NE(std::ranges::find(drivers, name, &DriverInfo::name), drivers.end()) << name;
    }
}

}  // namespace
}  // namespace tapmeter::dpdk
