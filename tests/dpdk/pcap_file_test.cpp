#include "dpdk/pcap_file.h"

#include <gtest/gtest.h>

#include "tests/dpdk/support.h"

namespace tapmeter::dpdk {
namespace {

TEST(PcapFile, counts_packets) {
    const testing::TestFolder folder;
    testing::write_pcap(folder.file("none.pcap"), {});
    EXPECT_EQ(count_packets(folder.file("none.pcap")).value(), 0U);
    testing::write_pcap(folder.file("two.pcap"),
                        {{{}, testing::some_frame(60, 1)}, {{}, testing::some_frame(1514, 2)}});
    EXPECT_EQ(count_packets(folder.file("two.pcap")).value(), 2U);
    EXPECT_TRUE(check_pcap_file(folder.file("two.pcap")));
}

TEST(PcapFile, names_a_missing_file_and_a_foreign_one) {
    const testing::TestFolder folder;
    const auto missing = check_pcap_file(folder.file("missing.pcap"));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, Error::Kind::no_such_device);
    EXPECT_NE(missing.error().message.find("missing.pcap"), std::string::npos);
    EXPECT_NE(missing.error().message.find("No such file"), std::string::npos)
        << missing.error().message;

    folder.write("text.pcap", "this is no capture file at all\n");
    EXPECT_FALSE(check_pcap_file(folder.file("text.pcap")));
    EXPECT_FALSE(count_packets(folder.file("text.pcap")));
}

}  // namespace
}  // namespace tapmeter::dpdk
