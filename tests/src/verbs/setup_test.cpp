#include "src/verbs/setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/src/machine/fake_machine.h"

namespace tapmeter::verbs {
namespace {

using machine::testing::FakeRoot;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class Setup : public ::testing::Test {
protected:
    Setup() {
        machine::testing::install_server(root_);
        config_.sources = {"eth9"};
        config_.sets = {"workers.cores=4-5", "flow.flows_max=1024"};
    }

    ExitCode run(SetupCommand command, bool as_root = true) {
        const Hands hands{.tree = root_.tree(),
                          .ask = machine::testing::fast_card,
                          .run =
                              [this](const std::vector<std::string>& words) {
                                  commands_.push_back(words.front());
                                  return status_;
                              },
                          .is_root = as_root};
        ::testing::internal::CaptureStdout();
        ::testing::internal::CaptureStderr();
        const ExitCode code = setup(command, common_, config_, hands);
        output_ = ::testing::internal::GetCapturedStdout();
        error_ = ::testing::internal::GetCapturedStderr();
        return code;
    }

    FakeRoot root_;
    LoadRequest config_;
    CommonOptions common_;
    std::vector<std::string> commands_;
    int status_ = 0;
    std::string output_;
    std::string error_;
};

const std::string governor = "/sys/devices/system/cpu/cpu4/cpufreq/scaling_governor";

TEST_F(Setup, prints_and_changes_nothing) {
    EXPECT_EQ(run({}, false), ExitCode::done) << "also without root";
    EXPECT_THAT(output_, HasSubstr("echo performance > " + governor));
    EXPECT_THAT(output_, HasSubstr("ethtool -G eth9 rx 8192"));
    EXPECT_THAT(output_, HasSubstr("    isolcpus=managed_irq,domain,4-5 nohz_full=4-5 "
                                   "rcu_nocbs=4-5\n"))
        << "one line to copy";
    EXPECT_THAT(output_, HasSubstr("`tapmeter setup --apply`"));
    EXPECT_EQ(root_.tree().text(governor), "powersave");
    EXPECT_TRUE(commands_.empty());
}

TEST_F(Setup, applies_what_needs_no_reboot_and_says_so) {
    EXPECT_EQ(run({.apply = true}), ExitCode::done);
    EXPECT_EQ(root_.tree().text(governor), "performance");
    EXPECT_THAT(commands_, Contains("ethtool"));
    EXPECT_THAT(commands_, Not(Contains("systemctl"))) << "services are stopped by people";
    EXPECT_THAT(output_, HasSubstr(governor + "    done"));
    EXPECT_THAT(output_, HasSubstr("after a reboot"));
    EXPECT_THAT(output_, HasSubstr("irqbalance    by hand"));
}

TEST_F(Setup, a_second_time_there_is_nothing_left_to_write) {
    ASSERT_EQ(run({.apply = true}), ExitCode::done);
    ASSERT_EQ(run({}), ExitCode::done);
    EXPECT_THAT(output_, Not(HasSubstr("echo "))) << output_;
}

TEST_F(Setup, only_the_topics_that_were_named) {
    EXPECT_EQ(run({.apply = true, .topics = {"sleep"}}), ExitCode::done);
    EXPECT_EQ(root_.tree().text(governor), "powersave");
    EXPECT_EQ(root_.tree().text("/sys/devices/system/cpu/cpu4/cpuidle/state1/disable"), "1");
    EXPECT_EQ(run({.topics = {"sleep"}}), ExitCode::done);
    EXPECT_EQ(output_, "nothing to do\n");
}

TEST_F(Setup, without_root_it_refuses_before_the_first_change) {
    EXPECT_EQ(run({.apply = true}, false), ExitCode::refused);
    EXPECT_THAT(error_, HasSubstr("needs root"));
    EXPECT_EQ(root_.tree().text(governor), "powersave");
}

TEST_F(Setup, a_step_that_fails_stops_no_other) {
    status_ = 1;
    EXPECT_EQ(run({.apply = true}), ExitCode::failed);
    EXPECT_THAT(output_, HasSubstr("FAILED: exit status 1"));
    EXPECT_EQ(root_.tree().text(governor), "performance");
}

TEST_F(Setup, a_wrong_configuration_is_refused) {
    config_.sets = {"workers.cores=x"};
    EXPECT_EQ(run({.apply = true}), ExitCode::refused);
    EXPECT_EQ(root_.tree().text(governor), "powersave");
}

TEST_F(Setup, proposes_cores_where_none_are_set) {
    config_.sets = {"workers.count=2", "flow.flows_max=1024"};
    EXPECT_EQ(run({}), ExitCode::done);
    EXPECT_THAT(output_, HasSubstr("proposed: workers.cores = \"4-5\""));
}

TEST_F(Setup, as_lines_for_programs) {
    common_.output = OutputFormat::json;
    EXPECT_EQ(run({.topics = {"rings"}}), ExitCode::done);
    EXPECT_THAT(output_, HasSubstr("\"topic\":\"rings\""));
    EXPECT_THAT(output_, HasSubstr("\"line\":\"ethtool -G eth9 rx 8192\""));
    EXPECT_THAT(output_, HasSubstr("\"outcome\":\"to do\""));
}

TEST(SetupHands, are_those_of_this_machine) {
    EXPECT_TRUE(own_hands().tree.is_real());
}

}  // namespace
}  // namespace tapmeter::verbs
