#include "src/verbs/command_draft.h"

#include <gtest/gtest.h>
#include <memory>

namespace tapmeter::verbs {
namespace {

TEST(LoadRequest, of_run_falls_back_to_the_system_file) {
    const auto bare = load_request(*parse_command_line({"run"}, false), {"A=1"});
    EXPECT_EQ(bare.file, default_config_file);
    EXPECT_EQ(bare.environment, std::vector<std::string>{"A=1"});
    const auto quick = load_request(
        *parse_command_line({"run", "-i", "eth1", "-n", "h", "--json", "-"}, false), {});
    EXPECT_EQ(quick.file, std::nullopt);
    EXPECT_EQ(quick.sources, std::vector<std::string>{"eth1"});
    EXPECT_EQ(quick.collectors, std::vector<std::string>{"udp://h"});
    EXPECT_EQ(quick.json_paths, std::vector<std::string>{"-"});
    const auto named = load_request(*parse_command_line({"run", "-c", "a"}, false), {});
    EXPECT_EQ(named.file, "a");
}

TEST(LoadRequest, of_read_takes_outputs_and_no_file_unasked) {
    const auto read =
        load_request(*parse_command_line({"read", "-", "-n", "h", "--set", "a=b"}, false), {});
    EXPECT_EQ(read.file, std::nullopt);
    EXPECT_TRUE(read.sources.empty());
    EXPECT_EQ(read.collectors, std::vector<std::string>{"udp://h"});
    EXPECT_EQ(read.sets, std::vector<std::string>{"a=b"});
}

TEST(CommandLineOf, cuts_the_verb_out_of_the_draft) {
    const auto draft = std::make_unique<Draft>();
    draft->duration = std::string("5s");
    draft->socket = std::string("/run/s");
    const CommandLine demo = command_line_of(*draft, "demo", false);
    EXPECT_EQ(std::get<DemoCommand>(demo.verb).duration, std::chrono::seconds{5});
    const CommandLine ctl = command_line_of(*draft, "ctl", false);
    EXPECT_EQ(std::get<CtlCommand>(ctl.verb).socket, std::filesystem::path("/run/s"));
    const CommandLine devices = command_line_of(*draft, "devices", false);
    EXPECT_TRUE(std::holds_alternative<DevicesCommand>(devices.verb));
}

}  // namespace
}  // namespace tapmeter::verbs
