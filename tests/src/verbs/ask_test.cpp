#include "src/verbs/ask.h"

#include <gtest/gtest.h>

namespace tapmeter::verbs {
namespace {

TEST(Ask, nobody_behind_the_socket_of_the_command_line) {
    CtlCommand command;
    command.socket = "/nonexistent/control.sock";
    EXPECT_EQ(ask(command, {}, {}), ExitCode::no_instance);
}

TEST(Ask, the_socket_of_the_configuration_is_asked_where_none_is_named) {
    LoadRequest config;
    config.sets = {"control.socket=\"/nonexistent/other.sock\""};
    testing::internal::CaptureStderr();
    EXPECT_EQ(ask(CtlCommand{}, {}, config), ExitCode::no_instance);
    EXPECT_NE(testing::internal::GetCapturedStderr().find("/nonexistent/other.sock"),
              std::string::npos);
}

TEST(Ask, a_broken_configuration_is_refused_before_anyone_is_asked) {
    LoadRequest config;
    config.sets = {"control.sockt=\"x\""};
    testing::internal::CaptureStderr();
    EXPECT_EQ(ask(CtlCommand{}, {}, config), ExitCode::refused);
    EXPECT_NE(testing::internal::GetCapturedStderr().find("did you mean"), std::string::npos);
}

}  // namespace
}  // namespace tapmeter::verbs
