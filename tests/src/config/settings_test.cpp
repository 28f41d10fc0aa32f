#include "src/config/settings.h"

#include <gtest/gtest.h>

namespace tapmeter::config {
namespace {

Block capture(const std::string& name, const std::string& source) {
    Block block;
    if (!name.empty()) {
        block.given[&name_key(Group::captures)] = {name, {}, {}};
    }
    if (!source.empty()) {
        block.given[&address_key(Group::captures)] = {source, {}, {}};
    }
    return block;
}

Settings with(std::vector<Block> captures) {
    Settings settings;
    settings.list(Group::captures) = std::move(captures);
    return settings;
}

TEST(Merge, changes_the_block_of_the_same_name_and_adds_others) {
    Settings settings = with({capture("p0", "eth0"), capture("p1", "eth1")});
    merge(settings, with({capture("p1", "eth9"), capture("p2", "eth2"), capture("", "eth3")}));

    const auto& blocks = settings.list(Group::captures);
    ASSERT_EQ(blocks.size(), 4U);
    EXPECT_EQ(blocks[1].text_of(address_key(Group::captures)), "eth9");
    EXPECT_EQ(blocks[2].text_of(address_key(Group::captures)), "eth2");
}

TEST(Merge, leaves_two_of_one_name_in_one_file_to_be_refused) {
    Settings settings;
    merge(settings, with({capture("p0", "eth0"), capture("p0", "eth1")}));
    EXPECT_EQ(settings.list(Group::captures).size(), 2U);
}

TEST(BlockNames, are_given_or_made_of_the_device) {
    const Settings settings =
        with({capture("", "xdp:eth0"), capture("tap", "eth1"), capture("", "pcap:/a/x.pcap"),
              capture("", "pcap:/b/x.pcap"), capture("", "")});
    EXPECT_EQ(block_names(settings, Group::captures),
              (std::vector<std::string>{"eth0", "tap", "x.pcap", "x.pcap-2", "capture5"}));
}

TEST(BlockNames, of_outputs_are_counted) {
    Settings settings;
    settings.list(Group::ipfix).resize(2);
    settings.list(Group::json).resize(1);
    EXPECT_EQ(block_names(settings, Group::ipfix), (std::vector<std::string>{"ipfix1", "ipfix2"}));
    EXPECT_EQ(block_names(settings, Group::json), std::vector<std::string>{"json1"});
}

}  // namespace
}  // namespace tapmeter::config
