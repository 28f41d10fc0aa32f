// The verbs that meter until they are told to stop: run and demo, in this process.
#include "src/verbs/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/verbs/demo.h"
#include "tests/src/appliance/appliance_bench.h"
#include "tests/src/verbs/said.h"

namespace tapmeter::verbs {
namespace {

using namespace std::chrono_literals;
using capture_files::testing::TemporaryFile;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Said;
using testing::said_by;

// No port, no socket: several of these may run at once.
LoadRequest alone(std::vector<std::string> sets = {}) {
    LoadRequest request;
    request.sets = std::move(sets);
    request.sets.insert(request.sets.end(),
                        {"http.listen=off", "control.socket=off", "service.supervisor=false",
                         "flow.flows_max=4096", "workers.count=1"});
    return request;
}

TEST(Run, meters_a_recording_to_its_end_and_exports_every_packet) {
    const auto input = testing::recording(50);
    const TemporaryFile file(input.file);
    const TemporaryFile lines{{}};
    LoadRequest request = alone();
    request.sources = {"pcap:" + file.path().string()};
    request.json_paths = {lines.path().string()};
    const Said said = said_by([&] { return run({}, {}, request); });
    EXPECT_EQ(said.code, ExitCode::done);
    EXPECT_THAT(said.out, IsEmpty());
    EXPECT_TRUE(said.err.ends_with("the books balance\n")) << said.err;
    std::vector<nlohmann::json> parsed;
    std::ifstream stream(lines.path());
    for (std::string line; std::getline(stream, line);) {
        parsed.push_back(nlohmann::json::parse(line));
    }
    EXPECT_EQ(testing::packets_of(parsed), input.packets);
}

TEST(Run, ends_after_its_duration) {
    LoadRequest request = alone();
    request.sources = {"gen:"};
    RunCommand command;
    command.duration = 200ms;
    const auto began = std::chrono::steady_clock::now();
    const Said said =
        said_by([&] { return run(command, {.config = {}, .sets = {}, .quiet = true}, request); });
    EXPECT_GE(std::chrono::steady_clock::now() - began, 200ms);
    EXPECT_EQ(said.code, ExitCode::done);
    EXPECT_EQ(said.err.find("the books balance"), std::string::npos) << "quiet";
}

TEST(Run, refuses_to_start_with_nothing_to_capture_or_what_cannot_be_opened) {
    const Said nothing = said_by([] { return run({}, {}, alone()); });
    EXPECT_EQ(nothing.code, ExitCode::refused);
    EXPECT_THAT(nothing.err, HasSubstr("nothing to capture"));

    LoadRequest request = alone();
    request.sources = {"pcap:/nonexistent/x.pcap"};
    const Said missing = said_by([&] { return run({}, {}, request); });
    EXPECT_EQ(missing.code, ExitCode::refused);
    EXPECT_THAT(missing.err, HasSubstr("/nonexistent/x.pcap"));

    request = alone({"workers.cores=[5000]"});
    request.sources = {"gen:"};
    const Said core = said_by([&] { return run({}, {}, request); });
    EXPECT_EQ(core.code, ExitCode::refused);
    EXPECT_THAT(core.err, HasSubstr("5000"));

    const Said wrong = said_by([] { return run({}, {}, alone({"flow.flows_max=7"})); });
    EXPECT_EQ(wrong.code, ExitCode::refused);
    EXPECT_THAT(wrong.err, HasSubstr("flow.flows_max"));
}

TEST(Demo, shows_the_whole_program_with_made_up_traffic) {
    const Said said = said_by([] { return demo({.duration = 300ms}, {}, alone()); });
    EXPECT_EQ(said.code, ExitCode::done);
    EXPECT_THAT(said.out, IsEmpty());
    EXPECT_THAT(said.err, HasSubstr("Made-up TCP and UDP conversations"));
    EXPECT_THAT(said.err, ::testing::Not(HasSubstr("/metrics"))) << "no page where none is served";
    EXPECT_TRUE(said.err.ends_with("the books balance\n")) << said.err;
}

TEST(Demo, a_wrong_setting_is_refused) {
    const Said said = said_by([] { return demo({}, {}, alone({"flow.idle_timeout=never"})); });
    EXPECT_EQ(said.code, ExitCode::refused);
    EXPECT_THAT(said.err, HasSubstr("flow.idle_timeout"));
}

}  // namespace
}  // namespace tapmeter::verbs
