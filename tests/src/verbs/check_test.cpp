// The verbs that look and start nothing: check, devices, ctl through ask().
#include "src/verbs/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "src/verbs/ask.h"
#include "src/verbs/devices.h"
#include "tests/src/verbs/said.h"

namespace tapmeter::verbs {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Said;
using testing::said_by;

LoadRequest with(std::vector<std::string> sources, std::vector<std::string> sets = {}) {
    LoadRequest request;
    request.sources = std::move(sources);
    request.sets = std::move(sets);
    request.sets.insert(request.sets.end(), {"workers.count=1", "flow.flows_max=1024"});
    return request;
}

CommonOptions printing(OutputFormat format) {
    CommonOptions common;
    common.output = format;
    return common;
}

TEST(Check, says_no_with_the_cure_when_something_blocks) {
    const Said said = said_by([] { return check({}, {}, with({"nosuchport0"})); });
    EXPECT_EQ(said.code, ExitCode::answer_no);
    EXPECT_THAT(said.out, HasSubstr("\"nosuchport0\"  BLOCKER\n    fix: "));
    EXPECT_THAT(said.out, HasSubstr("0 errors, 1 blocker"));
    EXPECT_THAT(said.err, IsEmpty());
}

TEST(Check, is_content_with_what_can_start) {
    const Said said = said_by([] { return check({}, {}, with({"gen:"})); });
    EXPECT_EQ(said.code, ExitCode::done);
    EXPECT_THAT(said.out, HasSubstr("0 errors, 0 blockers, "));
}

TEST(Check, prints_a_json_object_a_finding) {
    const Said said =
        said_by([] { return check({}, printing(OutputFormat::json), with({"nosuchport0"})); });
    EXPECT_EQ(said.code, ExitCode::answer_no);
    std::istringstream lines(said.out);
    bool blocked = false;
    for (std::string line; std::getline(lines, line);) {
        blocked = blocked || nlohmann::json::parse(line)["verdict"] == "BLOCKER";
    }
    EXPECT_TRUE(blocked);
}

TEST(Check, a_dump_reads_back_to_the_same_values) {
    const LoadRequest request = with({"gen:"}, {"flow.idle_timeout=17s"});
    const Said said = said_by([&] { return check({.dump = true}, {}, request); });
    EXPECT_EQ(said.code, ExitCode::done);
    LoadRequest again;
    again.file = "dumped.toml";
    again.text = said.out;
    const auto before = load_config(request);
    const auto after = load_config(again);
    ASSERT_TRUE(before.has_value());
    ASSERT_TRUE(after.has_value()) << after.error().front().to_text();
    EXPECT_EQ(after->config.flow.idle_timeout, std::chrono::seconds(17));
    EXPECT_THAT(changed_settings(*before, *after, false), IsEmpty());
    EXPECT_THAT(changed_settings(*before, *after, true), IsEmpty());
}

TEST(Check, a_wrong_configuration_is_refused) {
    const Said said = said_by([] { return check({}, {}, with({"gen:"}, {"flow.flows_max=7"})); });
    EXPECT_EQ(said.code, ExitCode::refused);
    EXPECT_THAT(said.out, IsEmpty());
    EXPECT_THAT(said.err, HasSubstr("flow.flows_max"));
}

TEST(Devices, print_a_json_object_an_interface) {
    const Said said = said_by([] { return devices(printing(OutputFormat::json)); });
    EXPECT_EQ(said.code, ExitCode::done);
    std::istringstream lines(said.out);
    for (std::string line; std::getline(lines, line);) {
        EXPECT_TRUE(nlohmann::json::accept(line)) << line;
    }
    const Said text = said_by([] { return devices({}); });
    EXPECT_THAT(text.out, ::testing::StartsWith("interfaces of the kernel: "));
}

TEST(Ask, nobody_behind_the_socket_is_exit_4) {
    CtlCommand command;
    command.socket = "/nonexistent/control.sock";
    for (const auto action : {CtlCommand::Action::status, CtlCommand::Action::stop,
                              CtlCommand::Action::prefilter_show}) {
        command.action = action;
        const Said said = said_by([&] { return ask(command, {}, {}); });
        EXPECT_EQ(said.code, ExitCode::no_instance);
        EXPECT_THAT(said.out, IsEmpty());
        EXPECT_THAT(said.err, HasSubstr("/nonexistent/control.sock"));
    }
}

TEST(Ask, without_a_socket_that_of_the_configuration_is_asked) {
    const Said said = said_by(
        [] { return ask({}, {}, with({}, {"control.socket=/nonexistent/configured.sock"})); });
    EXPECT_EQ(said.code, ExitCode::no_instance);
    EXPECT_THAT(said.err, HasSubstr("/nonexistent/configured.sock"));
}

}  // namespace
}  // namespace tapmeter::verbs
