#include "src/verbs/setup_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/machine/topics.h"

namespace tapmeter::verbs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(SetupArguments, are_topics_and_what_others_have_too) {
    const auto line = parse_command_line(
        {"setup", "sleep", "hugepages", "--apply", "-i", "eth1", "--set", "workers.cores=2"},
        false);
    ASSERT_TRUE(line) << line.error().error;
    const auto& setup = std::get<SetupCommand>(line->verb);
    EXPECT_TRUE(setup.apply);
    EXPECT_THAT(setup.topics, ElementsAre("sleep", "hugepages"));
    EXPECT_THAT(load_request(*line, {}).sources, ElementsAre("eth1"));
    EXPECT_THAT(load_request(*line, {}).sets, ElementsAre("workers.cores=2"));
}

TEST(SetupArguments, without_any_print_everything) {
    const auto line = parse_command_line({"setup"}, false);
    ASSERT_TRUE(line);
    EXPECT_FALSE(std::get<SetupCommand>(line->verb).apply);
    EXPECT_TRUE(std::get<SetupCommand>(line->verb).topics.empty());
}

TEST(SetupArguments, every_topic_is_one_and_a_misspelt_one_is_guessed) {
    for (const std::string_view topic : machine::topics) {
        EXPECT_TRUE(parse_command_line({"setup", std::string(topic)}, false)) << topic;
    }
    const auto wrong = parse_command_line({"setup", "hugepage"}, false);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, ExitCode::refused);
    EXPECT_THAT(wrong.error().error, HasSubstr("did you mean \"hugepages\""));
}

TEST(CheckArguments, take_sources_too) {
    const auto line = parse_command_line({"check", "-i", "eth1"}, false);
    ASSERT_TRUE(line);
    EXPECT_THAT(load_request(*line, {}).sources, ElementsAre("eth1"));
}

}  // namespace
}  // namespace tapmeter::verbs
