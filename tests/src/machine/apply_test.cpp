#include "src/machine/apply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/src/machine/fake_machine.h"

namespace tapmeter::machine {
namespace {

using testing::FakeRoot;
using ::testing::HasSubstr;
using Kind = Outcome::Kind;

int nobody(const std::vector<std::string>&) {
    ADD_FAILURE() << "nothing was to be run";
    return 1;
}

TEST(Apply, writes_and_looks_whether_it_took) {
    FakeRoot root;
    root.file("/sys/x", "1");
    EXPECT_EQ(
        apply({.topic = "governor", .path = "/sys/x", .value = "2"}, root.tree(), nobody).kind,
        Kind::done);
    EXPECT_EQ(root.tree().number("/sys/x"), 2U);
    const Outcome missing =
        apply({.topic = "governor", .path = "/sys/y", .value = "2"}, root.tree(), nobody);
    EXPECT_EQ(missing.kind, Kind::failed);
    EXPECT_THAT(missing.said, HasSubstr("/sys/y"));
}

TEST(Apply, an_interrupt_that_the_kernel_keeps_is_left_there) {
    const FakeRoot root;
    const Outcome kept =
        apply({.topic = "interrupts", .path = "/proc/irq/9/smp_affinity_list", .value = "0"},
              root.tree(), nobody);
    EXPECT_EQ(kept.kind, Kind::left);
    EXPECT_THAT(kept.said, HasSubstr("/proc/irq/9"));
}

TEST(Apply, runs_a_command_and_takes_its_exit_status) {
    const FakeRoot root;
    std::vector<std::string> seen;
    int status = 0;
    const auto run = [&](const std::vector<std::string>& words) {
        seen = words;
        return status;
    };
    const Step step{.topic = "rings", .how = Step::How::run, .words = {"ethtool", "-G"}};
    EXPECT_EQ(apply(step, root.tree(), run).kind, Kind::done);
    EXPECT_THAT(seen, ::testing::ElementsAre("ethtool", "-G"));
    status = 80;
    EXPECT_EQ(apply(step, root.tree(), run).said, "exit status 80");
}

TEST(Apply, leaves_what_is_for_a_reboot_or_a_person) {
    const FakeRoot root;
    for (const auto how : {Step::How::reboot, Step::How::by_hand}) {
        EXPECT_EQ(
            apply({.topic = "isolation", .how = how, .words = {"reboot"}}, root.tree(), nobody)
                .kind,
            Kind::left);
    }
}

TEST(Apply, commands_are_real) {
    EXPECT_EQ(run_command({"true"}), 0);
    EXPECT_EQ(run_command({"sh", "-c", "exit 7"}), 7);
    EXPECT_EQ(run_command({"tapmeter-no-such-command"}), 127);
}

// On the real machine: one huge page more, and back. Nothing else here is as harmless.
TEST(Apply, huge_pages_of_this_machine) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root";
    }
    const Tree tree;
    const std::string pages =
        "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages";
    const auto before = tree.number(pages);
    if (!before || !tree.write(pages, std::to_string(*before))) {
        GTEST_SKIP() << "needs a kernel with huge pages of 2 MiB that may be changed";
    }
    const Outcome outcome = apply(
        {.topic = "hugepages", .path = pages, .value = std::to_string(*before + 1)}, tree, nobody);
    const auto during = tree.number(pages);
    EXPECT_TRUE(tree.write(pages, std::to_string(*before)));
    if (outcome.kind == Kind::done) {
        EXPECT_EQ(during, *before + 1);
    } else {
        EXPECT_THAT(outcome.said, HasSubstr("fragmented"));
    }
    EXPECT_EQ(tree.number(pages), before);

    const std::string absurd = std::to_string(std::uint64_t{1} << 40U);
    const Outcome refused =
        apply({.topic = "hugepages", .path = pages + "x", .value = absurd}, tree, nobody);
    EXPECT_EQ(refused.kind, Kind::failed);
}

}  // namespace
}  // namespace tapmeter::machine
