#include "src/machine/facts.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/src/machine/fake_machine.h"

namespace tapmeter::machine {
namespace {

using testing::FakeRoot;

Facts facts_of(const FakeRoot& root) {
    return read_facts(root.tree(), testing::fast_card);
}

TEST(Facts, of_a_server) {
    FakeRoot root;
    testing::install_server(root);
    const Facts facts = facts_of(root);
    EXPECT_EQ(facts.kernel, "6.1.0-18-amd64");
    EXPECT_TRUE(facts.kernel_at_least(6, 1));
    EXPECT_TRUE(facts.kernel_at_least(5, 18));
    EXPECT_FALSE(facts.kernel_at_least(6, 2));
    ASSERT_EQ(facts.cores.size(), 16U);
    EXPECT_EQ(facts.core(12)->node, 1U);
    EXPECT_EQ(facts.core(12)->siblings, (CoreList{4, 12}));
    EXPECT_EQ(facts.core(12)->governor, "powersave");
    ASSERT_EQ(facts.core(12)->sleeps.size(), 2U);
    EXPECT_EQ(facts.core(12)->sleeps[1].wake_microseconds, 133U);
    EXPECT_EQ(facts.core(16), nullptr);
    ASSERT_EQ(facts.huge_pages.size(), 2U);
    EXPECT_EQ(facts.huge_pages[1].node, 1U);
    EXPECT_EQ(facts.huge_pages[1].page_octets, 2U << 20U);
    EXPECT_EQ(facts.huge_pages[1].free, 4U);
    EXPECT_EQ(facts.turbo, true);
    ASSERT_EQ(facts.interrupts.size(), 2U) << "only those that somebody handles";
    EXPECT_EQ(facts.interrupts[0].name, "nvme0q1");
    EXPECT_EQ(facts.interrupts[0].cores.size(), 16U);
    EXPECT_TRUE(facts.irqbalance);
    EXPECT_EQ(facts.lock_octets_max, 8'388'608U);
    EXPECT_FALSE(facts.may_lock);
    EXPECT_FALSE(facts.iommu);
    ASSERT_NE(facts.interface("eth9"), nullptr);
    EXPECT_EQ(facts.interface("eth9")->rx_queues, 2U);
    EXPECT_EQ(facts.interface("eth9")->node, 1);
    EXPECT_FALSE(facts.interface("eth9")->is_virtual);
    EXPECT_EQ(facts.interface("eth9")->driver.rx_ring, 512U);
    ASSERT_EQ(facts.pci.size(), 1U) << "network devices only";
    EXPECT_EQ(facts.pci_device("0000:17:00.0")->driver, "ice");
}

TEST(Facts, of_a_prepared_kernel) {
    FakeRoot root;
    testing::install_server(root);
    root.file("/sys/devices/system/cpu/isolated", "2-7");
    root.file("/sys/devices/system/cpu/nohz_full", "2-4");
    root.file("/proc/cmdline", "isolcpus=2-7 nohz_full=2-4 rcu_nocbs=5,6");
    root.file("/proc/self/limits", "Max locked memory         unlimited            unlimited");
    root.file("/proc/self/status", "CapEff:\t000001ffffffffff");
    root.folder("/sys/class/iommu/dmar0");
    const Facts facts = facts_of(root);
    EXPECT_EQ(text_of(facts.isolated), "2-7");
    EXPECT_EQ(text_of(facts.tickless), "2-4");
    EXPECT_EQ(text_of(facts.offloaded), "2-6") << "nohz_full implies it";
    EXPECT_EQ(facts.lock_octets_max, std::numeric_limits<std::uint64_t>::max());
    EXPECT_TRUE(facts.may_lock);
    EXPECT_TRUE(facts.iommu);
}

TEST(Facts, of_an_empty_tree_are_none) {
    const FakeRoot root;
    const Facts facts = facts_of(root);
    EXPECT_TRUE(facts.cores.empty());
    EXPECT_FALSE(facts.turbo);
    EXPECT_FALSE(facts.kernel_at_least(1, 0));
}

// The machine under the test: whatever it is, it has core 0 and loopback, and asking hurts nobody.
TEST(Facts, of_this_machine) {
    const Facts facts = read_facts(Tree(), ask_driver);
    EXPECT_FALSE(facts.cores.empty());
    ASSERT_NE(facts.interface("lo"), nullptr);
    EXPECT_TRUE(facts.interface("lo")->is_virtual);
    EXPECT_TRUE(facts.kernel_at_least(4, 0));
    EXPECT_NE(facts.lock_octets_max, 0U);
}

}  // namespace
}  // namespace tapmeter::machine
