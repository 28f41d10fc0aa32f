#include "src/machine/needs.h"

#include <gtest/gtest.h>

#include "pipeline/flow/flow_table.h"
#include "tests/src/machine/fake_machine.h"

namespace tapmeter::machine {
namespace {

using testing::capturing;

Facts server() {
    testing::FakeRoot root;
    testing::install_server(root);
    return read_facts(root.tree(), testing::fast_card);
}

TEST(Needs, cores_are_proposed_on_the_node_of_the_port_real_cores_first) {
    const Needs needs = needs_of(capturing("eth9"), 3, server());
    EXPECT_TRUE(needs.cores_are_proposed);
    EXPECT_EQ(text_of(needs.worker_cores), "4-6") << "node 1, none the twin of another";
    EXPECT_EQ(text_of(needs_of(capturing("eth9"), 6, server()).worker_cores), "4-7,12-13");
    EXPECT_EQ(needs_of(capturing("eth9"), 60, server()).worker_cores.size(), 8U)
        << "no more than the node has";
}

TEST(Needs, core_0_and_its_twin_stay_with_the_house) {
    EXPECT_EQ(house_cores(server()), (CoreList{0, 8}));
    EXPECT_EQ(text_of(needs_of(capturing("gen:"), 4, server()).worker_cores), "1-3,9");
}

TEST(Needs, configured_cores_are_taken_as_they_are) {
    const Needs needs = needs_of(capturing("eth9", {2, 3}), 2, server());
    EXPECT_FALSE(needs.cores_are_proposed);
    EXPECT_EQ(needs.worker_cores, (CoreList{2, 3}));
}

TEST(Needs, huge_pages_where_workers_and_ports_are) {
    const std::uint64_t table = flow::FlowTable::octets_for(1'024);
    const std::uint64_t pages = (table + huge_page_octets - 1) / huge_page_octets;
    Config config = capturing("pci:0000:17:00.0", {2, 5});  // one core on each node
    config.memory.dpdk_octets = std::uint64_t{64} << 20U;
    const Needs needs = needs_of(config, 2, server());
    const auto huge = huge_page_needs(needs, server());
    ASSERT_EQ(huge.size(), 2U);
    EXPECT_EQ(huge[0].needed, pages);
    EXPECT_EQ(huge[1].needed, pages + 32) << "the port is on node 1";
    EXPECT_EQ(huge[1].free, 4U);
    EXPECT_EQ(huge[1].total, 10U);

    config.memory.hugepages = Config::Switch::off;
    EXPECT_TRUE(huge_page_needs(needs_of(config, 2, server()), server()).empty());
}

TEST(Needs, ports_of_every_kind_of_source) {
    for (const std::string source : {"eth9", "xdp:eth9"}) {
        const Needs needs = needs_of(capturing(source), 1, server());
        ASSERT_EQ(needs.ports.size(), 1U) << source;
        EXPECT_EQ(needs.ports[0].device, "eth9");
        EXPECT_EQ(needs.ports[0].queues, 2U);
        EXPECT_EQ(needs.ports[0].rx_ring, 8'192U) << "64 MiB of 4 KiB frames, twice";
        EXPECT_FALSE(needs.dpdk);
    }
    EXPECT_TRUE(needs_of(capturing("dpdk:net_null0"), 1, server()).dpdk);
    EXPECT_TRUE(needs_of(capturing("dpdk:net_null0"), 1, server()).ports.empty());
    EXPECT_TRUE(needs_of(capturing("pcap:a.pcap"), 1, server()).ports.empty());
    EXPECT_EQ(needs_of(capturing("pci:0000:17:00.0"), 1, server()).ports[0].node, 1);
}

TEST(Needs, a_ring_of_the_nic_for_ten_milliseconds_as_far_as_it_goes) {
    EXPECT_EQ(ring_wanted({.rx_ring_max = 8'192, .speed_bits = 100'000'000'000}, 4), 8'192U);
    EXPECT_EQ(ring_wanted({.rx_ring_max = 8'192, .speed_bits = 1'000'000'000}, 8), 2'048U);
    EXPECT_EQ(ring_wanted({.rx_ring_max = 4'096}, 1), 1'024U) << "no speed, a little";
    EXPECT_EQ(ring_wanted({.rx_ring_max = 256}, 1), 256U);
}

}  // namespace
}  // namespace tapmeter::machine
