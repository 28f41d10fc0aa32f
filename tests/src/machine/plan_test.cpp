#include "src/machine/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/src/machine/fake_machine.h"

namespace tapmeter::machine {
namespace {

using testing::capturing;
using ::testing::ElementsAre;
using testing::FakeRoot;
using ::testing::IsEmpty;

std::vector<std::string> lines_of(const FakeRoot& root, const Config& config,
                                  std::string_view topic,
                                  const AskDriver& ask = testing::fast_card) {
    const Facts facts = read_facts(root.tree(), ask);
    std::vector<std::string> lines;
    for (const Step& step : plan_setup(needs_of(config, 2, facts), facts)) {
        EXPECT_FALSE(step.reason.empty());
        if (step.topic == topic) {
            lines.push_back(step.line());
        }
    }
    return lines;
}

class Plan : public ::testing::Test {
protected:
    Plan() { testing::install_server(root_); }
    FakeRoot root_;
    Config config_ = capturing("eth9", {4, 5});
};

TEST_F(Plan, huge_pages_on_the_node_that_needs_them) {
    config_.flow.flows_max = std::size_t{1} << 20U;
    const auto lines = lines_of(root_, config_, "hugepages");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_TRUE(lines[0].ends_with(
        "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"));
    root_.file("/sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages", "9999");
    EXPECT_THAT(lines_of(root_, config_, "hugepages"), IsEmpty());
}

TEST_F(Plan, governor_and_sleep_of_the_workers_cores_alone) {
    EXPECT_THAT(lines_of(root_, config_, "governor"),
                ElementsAre("echo performance > "
                            "/sys/devices/system/cpu/cpu4/cpufreq/scaling_governor",
                            "echo performance > "
                            "/sys/devices/system/cpu/cpu5/cpufreq/scaling_governor"));
    EXPECT_THAT(lines_of(root_, config_, "sleep"),
                ElementsAre("echo 1 > /sys/devices/system/cpu/cpu4/cpuidle/state1/disable",
                            "echo 1 > /sys/devices/system/cpu/cpu5/cpuidle/state1/disable"));
    root_.file("/sys/devices/system/cpu/cpu4/cpufreq/scaling_governor", "performance");
    root_.file("/sys/devices/system/cpu/cpu4/cpuidle/state1/disable", "1");
    EXPECT_EQ(lines_of(root_, config_, "governor").size(), 1U);
    EXPECT_EQ(lines_of(root_, config_, "sleep").size(), 1U);
}

TEST_F(Plan, the_ring_of_the_nic_and_its_offloads) {
    EXPECT_THAT(lines_of(root_, config_, "rings"), ElementsAre("ethtool -G eth9 rx 8192"));
    EXPECT_THAT(lines_of(root_, config_, "offloads"), ElementsAre("ethtool -K eth9 gro off"));
    const auto ready = [](const std::string&) {
        return DriverAnswers{.rx_ring = 8'192, .rx_ring_max = 8'192, .speed_bits = 100'000'000'000};
    };
    EXPECT_THAT(lines_of(root_, config_, "rings", ready), IsEmpty());
    EXPECT_THAT(lines_of(root_, config_, "offloads", ready), IsEmpty());
    const auto merging = [](const std::string&) { return DriverAnswers{.gro = true, .lro = true}; };
    EXPECT_THAT(lines_of(root_, config_, "offloads", merging),
                ElementsAre("ethtool -K eth9 gro off lro off"));
}

TEST_F(Plan, interrupts_leave_the_workers_cores_but_those_of_the_port_itself) {
    EXPECT_THAT(lines_of(root_, config_, "interrupts"),
                ElementsAre("echo 0-3,6-15 > /proc/irq/24/smp_affinity_list",
                            "systemctl disable --now irqbalance"));
    root_.file("/proc/irq/24/smp_affinity_list", "4");
    EXPECT_EQ(lines_of(root_, config_, "interrupts").front(),
              "echo 0-3,6-15 > /proc/irq/24/smp_affinity_list")
        << "it was on a worker's core alone";
    root_.file("/proc/irq/24/smp_affinity_list", "0-3").file("/proc/77/comm", "sh");
    EXPECT_THAT(lines_of(root_, config_, "interrupts"), IsEmpty());
    config_.captures[0].busy_poll = Config::Switch::on;
    EXPECT_THAT(lines_of(root_, config_, "interrupts"),
                ElementsAre("echo 2 > /sys/class/net/eth9/napi_defer_hard_irqs",
                            "echo 200000 > /sys/class/net/eth9/gro_flush_timeout"));
}

TEST_F(Plan, interrupts_of_a_port_are_known_by_its_name_or_its_place_on_the_bus) {
    root_.file("/proc/77/comm", "sh").file("/proc/irq/24/smp_affinity_list", "0");
    root_.file("/proc/irq/27/smp_affinity_list", "4").folder("/proc/irq/27/eth90-rx-0");
    EXPECT_EQ(lines_of(root_, config_, "interrupts").size(), 1U) << "eth90 is another port";
    FakeRoot virtual_machine;
    virtual_machine.file("/sys/devices/system/cpu/online", "0-1");
    virtual_machine.link("/sys/class/net/eth0/device", "../../virtio2");
    virtual_machine.file("/proc/irq/38/smp_affinity_list", "1")
        .folder("/proc/irq/38/virtio2-input");
    virtual_machine.file("/proc/irq/39/smp_affinity_list", "1").folder("/proc/irq/39/virtio20-req");
    EXPECT_THAT(lines_of(virtual_machine, capturing("eth0", {1}), "interrupts"),
                ElementsAre("echo 0 > /proc/irq/39/smp_affinity_list"));
}

TEST_F(Plan, a_card_goes_to_vfio_but_never_one_that_is_in_use) {
    config_ = capturing("pci:0000:17:00.0", {4, 5});
    const std::string card = "/sys/bus/pci/devices/0000:17:00.0";
    EXPECT_THAT(lines_of(root_, config_, "binding"),
                ElementsAre("modprobe vfio-pci", "echo vfio-pci > " + card + "/driver_override",
                            "echo 0000:17:00.0 > " + card + "/driver/unbind",
                            "echo 0000:17:00.0 > /sys/bus/pci/drivers_probe",
                            "kernel command line: intel_iommu=on iommu=pt"));
    root_.folder(card + "/net/eth9").folder("/sys/class/iommu/dmar0");
    EXPECT_THAT(lines_of(root_, config_, "binding"), ElementsAre("ip link set eth9 down"));
}

TEST_F(Plan, a_bound_card_stays_and_mlx5_needs_no_binding) {
    for (const std::string driver : {"vfio-pci", "mlx5_core", "uio_pci_generic"}) {
        FakeRoot root;
        root.file("/sys/bus/pci/devices/0000:17:00.0/class", "0x020000")
            .link("/sys/bus/pci/devices/0000:17:00.0/driver", "../drivers/" + driver)
            .folder("/sys/class/iommu/dmar0");
        EXPECT_THAT(lines_of(root, capturing("pci:0000:17:00.0"), "binding"), IsEmpty()) << driver;
    }
}

TEST_F(Plan, isolation_is_for_the_next_boot_and_only_what_is_missing) {
    EXPECT_THAT(
        lines_of(root_, config_, "isolation"),
        ElementsAre("kernel command line: isolcpus=managed_irq,domain,4-5",
                    "kernel command line: nohz_full=4-5", "kernel command line: rcu_nocbs=4-5"));
    root_.file("/sys/devices/system/cpu/isolated", "4-7");
    root_.file("/sys/devices/system/cpu/nohz_full", "4-7");
    EXPECT_THAT(lines_of(root_, config_, "isolation"), IsEmpty());
}

TEST_F(Plan, of_a_machine_that_tells_nothing_is_empty) {
    const FakeRoot nothing;
    const Facts facts =
        read_facts(nothing.tree(), [](const std::string&) { return DriverAnswers{}; });
    EXPECT_THAT(plan_setup(needs_of(capturing("eth9"), 2, facts), facts), IsEmpty());
}

}  // namespace
}  // namespace tapmeter::machine
