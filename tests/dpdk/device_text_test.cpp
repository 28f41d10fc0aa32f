#include "dpdk/device_text.h"

#include <gtest/gtest.h>

namespace tapmeter::dpdk {
namespace {

TEST(DeviceText, reads_a_virtual_device_with_arguments) {
    const auto device = parse_device("net_pcap12,rx_pcap=a=b.pcap,rx_pcap=c,infinite_rx=1,copy");
    ASSERT_TRUE(device);
    EXPECT_EQ(device->name, "net_pcap12");
    EXPECT_EQ(device->driver, "net_pcap");
    EXPECT_FALSE(device->is_pci);
    ASSERT_EQ(device->arguments.size(), 4U);
    EXPECT_EQ(device->arguments[0].second, "a=b.pcap");
    EXPECT_EQ(device->argument("rx_pcap"), "c") << "the last one wins";
    EXPECT_TRUE(device->is_set("infinite_rx"));
    EXPECT_EQ(device->argument("copy"), "");
    EXPECT_EQ(device->argument("size"), std::nullopt);
    EXPECT_EQ(device->text(), "net_pcap12,rx_pcap=a=b.pcap,rx_pcap=c,infinite_rx=1,copy");
}

TEST(DeviceText, zero_is_not_set) {
    EXPECT_FALSE(parse_device("net_pcap0,infinite_rx=0")->is_set("infinite_rx"));
    EXPECT_FALSE(parse_device("net_pcap0")->is_set("infinite_rx"));
}

TEST(DeviceText, reads_pci_addresses_with_and_without_domain) {
    for (const char* text : {"0000:17:00.0", "17:00.0"}) {
        const auto device = parse_device(text);
        ASSERT_TRUE(device);
        EXPECT_TRUE(device->is_pci);
        EXPECT_EQ(device->name, "0000:17:00.0");
        EXPECT_TRUE(device->driver.empty());
    }
    EXPECT_EQ(parse_device("3b:00.1,mprq_en=1")->text(), "0000:3b:00.1,mprq_en=1");
}

TEST(DeviceText, refuses_what_cannot_be_a_device) {
    const std::string longest(63, 'n');
    EXPECT_TRUE(parse_device(longest));
    for (const std::string& text :
         {std::string{}, std::string(",size=1"), std::string("net null"),
          std::string("0000:17:0.0"), std::string("net_null0,=1"), std::string("net_null0,,"),
          longest + "n", std::string("net_null0,a=") + std::string(5'000, 'x'),
          std::string("net\0ring", 8)}) {
        const auto device = parse_device(text);
        ASSERT_FALSE(device) << text;
        EXPECT_EQ(device.error().kind, Error::Kind::invalid_config);
    }
}

}  // namespace
}  // namespace tapmeter::dpdk
