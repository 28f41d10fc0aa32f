#include "src/machine/obstacles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/src/machine/fake_machine.h"

namespace tapmeter::machine {
namespace {

using testing::capturing;
using testing::FakeRoot;
using ::testing::HasSubstr;
using Verdict = Finding::Verdict;

class Obstacles : public ::testing::Test {
protected:
    Obstacles() { testing::install_server(root_); }

    // The finding named `what`; an empty one where there is none.
    Finding found(const std::string& what, const Config& config) const {
        const Facts facts = read_facts(root_.tree(), testing::fast_card);
        const auto findings = find_obstacles(needs_of(config, 2, facts), facts);
        for (const Finding& finding : findings) {
            EXPECT_EQ(finding.verdict == Verdict::ok, finding.cure.empty())
                << finding.what << ": every obstacle has a cure, and nothing else has one";
        }
        const auto at = std::ranges::find(findings, what, &Finding::what);
        return at == findings.end() ? Finding{} : *at;
    }

    FakeRoot root_;
    Config config_ = capturing("eth9", {4, 5});
};

TEST_F(Obstacles, huge_pages_of_a_node) {
    config_.flow.flows_max = std::size_t{1} << 20U;
    const Finding missing = found("hugepages, NUMA node 1", config_);
    EXPECT_EQ(missing.verdict, Verdict::warning);
    EXPECT_THAT(missing.found, HasSubstr("free 8 MiB of 20 MiB"));
    EXPECT_THAT(missing.cure, HasSubstr("tapmeter setup --apply hugepages   (or: echo "));
    config_.memory.hugepages = Config::Switch::on;
    EXPECT_EQ(found("hugepages, NUMA node 1", config_).verdict, Verdict::blocker);
    config_.flow.flows_max = 1'024;
    root_.file("/sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages", "10");
    EXPECT_EQ(found("hugepages, NUMA node 1", config_).verdict, Verdict::ok);
}

TEST_F(Obstacles, of_the_workers_cores) {
    EXPECT_EQ(found("cpu governor", config_).found, "\"powersave\" on cores 4-5");
    EXPECT_EQ(found("sleep states", config_).verdict, Verdict::warning);
    EXPECT_THAT(found("turbo", config_).found, HasSubstr("on"));
    EXPECT_EQ(found("SMT siblings", config_).what, "") << "4 and 5 are two real cores";
    EXPECT_THAT(found("SMT siblings", capturing("eth9", {4, 12})).found, HasSubstr("4,12"));
    EXPECT_EQ(found("workers.cores", config_).what, "");
    EXPECT_THAT(found("workers.cores", capturing("eth9")).cure, HasSubstr("\"4-5\""));
}

TEST_F(Obstacles, isolation_by_parameter) {
    for (const std::string parameter : {"isolcpus", "nohz_full", "rcu_nocbs"}) {
        EXPECT_EQ(found("isolation, " + parameter, config_).verdict, Verdict::warning) << parameter;
    }
    root_.file("/sys/devices/system/cpu/isolated", "4");
    EXPECT_THAT(found("isolation, isolcpus", config_).found, HasSubstr("not cores 5"));
    root_.file("/sys/devices/system/cpu/isolated", "4-5");
    EXPECT_EQ(found("isolation, isolcpus", config_).verdict, Verdict::ok);
}

TEST_F(Obstacles, a_port_on_another_node_than_its_workers) {
    EXPECT_EQ(found("capture \"p0\": NUMA", config_).verdict, Verdict::ok);
    const Finding far = found("capture \"p0\": NUMA", capturing("eth9", {2, 5}));
    EXPECT_EQ(far.verdict, Verdict::warning);
    EXPECT_THAT(far.found, HasSubstr("port on node 1, workers on cores 2 are not"));
}

TEST_F(Obstacles, interrupts_and_the_service_that_moves_them) {
    EXPECT_EQ(found("interrupts", config_).found, "1 may be served on the workers' cores");
    EXPECT_EQ(found("irqbalance", config_).verdict, Verdict::warning);
    root_.file("/proc/77/comm", "sh").file("/proc/irq/24/smp_affinity_list", "0");
    EXPECT_EQ(found("interrupts", config_).what, "");
    EXPECT_EQ(found("irqbalance", config_).what, "");
}

TEST_F(Obstacles, of_an_interface) {
    EXPECT_EQ(found("capture \"p0\": ring of the NIC", config_).found,
              "512 of at most 8192 descriptors");
    EXPECT_THAT(found("capture \"p0\": offloads", config_).found, HasSubstr("GRO on"));
    EXPECT_EQ(found("capture \"p0\": MTU", config_).what, "");
    root_.file("/sys/class/net/eth9/mtu", "9000");
    EXPECT_THAT(found("capture \"p0\": MTU", config_).cure, HasSubstr("Linux 6.6"));
    root_.file("/proc/sys/kernel/osrelease", "6.6.1");
    EXPECT_EQ(found("capture \"p0\": MTU", config_).what, "") << "in pieces";
    root_.file("/proc/sys/kernel/osrelease", "5.17.0");
    EXPECT_EQ(found("capture \"p0\": kernel", config_).verdict, Verdict::blocker);
    root_.file("/proc/sys/kernel/osrelease", "5.18.0");
    EXPECT_EQ(found("capture \"p0\": kernel", config_).what, "");
    config_.captures[0].busy_poll = Config::Switch::on;
    EXPECT_EQ(found("capture \"p0\": busy_poll", config_).verdict, Verdict::warning);
}

TEST_F(Obstacles, fewer_queues_than_workers) {
    EXPECT_EQ(found("capture \"p0\": queues", config_).what, "") << "two for two";
    config_.captures[0].queues = 1;
    EXPECT_THAT(found("capture \"p0\": queues", config_).cure,
                HasSubstr("ethtool -L eth9 combined 2"));
}

TEST_F(Obstacles, memory_that_may_not_be_locked) {
    EXPECT_EQ(found("locked memory", config_).verdict, Verdict::blocker) << "64 MiB over 8";
    root_.file("/proc/self/status", "CapEff:\t0000000000004000");
    EXPECT_EQ(found("locked memory", config_).what, "") << "CAP_IPC_LOCK";
}

TEST_F(Obstacles, the_driver_of_a_card_for_dpdk) {
    const Finding kernels = found("capture \"p0\": driver", capturing("pci:0000:17:00.0", {4, 5}));
    EXPECT_EQ(kernels.verdict, Verdict::blocker);
    EXPECT_THAT(kernels.found, HasSubstr("bound to ice"));
    EXPECT_THAT(kernels.cure, HasSubstr("tapmeter setup --apply binding"));
    EXPECT_EQ(found("capture \"p0\": driver", capturing("pci:0000:99:00.0")).verdict,
              Verdict::blocker);
}

}  // namespace
}  // namespace tapmeter::machine
