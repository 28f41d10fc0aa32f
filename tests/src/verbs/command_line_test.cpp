#include "src/verbs/command_line.h"

#include <gtest/gtest.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include "src/verbs/ctl_arguments.h"

namespace tapmeter::verbs {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;
using Action = CtlCommand::Action;

Farewell farewell(const Words& words) {
    const auto line = parse_command_line(words, false);
    EXPECT_FALSE(line) << "was accepted";
    return line ? Farewell{} : line.error();
}

template <class Command>
Command command(const Words& words) {
    const auto line = parse_command_line(words, false);
    EXPECT_TRUE(line) << line.error().error;
    const auto* found = line ? std::get_if<Command>(&line->verb) : nullptr;
    EXPECT_NE(found, nullptr);
    return found == nullptr ? Command{} : *found;
}

TEST(CommandLine, run_takes_sources_collectors_and_files) {
    const auto run =
        command<RunCommand>({"run", "-i", "eth1", "-i", "xdp:eth2", "-n", "10.0.0.9", "--export",
                             "udp://[::1]:1", "-n", "[::1]", "--json", "-", "--duration", "30s"});
    EXPECT_EQ(run.sources, (Words{"eth1", "xdp:eth2"}));
    EXPECT_EQ(run.collectors, (Words{"udp://10.0.0.9", "udp://[::1]:1", "udp://[::1]"}));
    EXPECT_EQ(run.json_paths, Words{"-"});
    EXPECT_EQ(run.duration, std::chrono::seconds{30});
    EXPECT_EQ(command<RunCommand>({"run"}).duration, std::nullopt);
}

TEST(CommandLine, common_options_stand_behind_the_verb) {
    const auto line = parse_command_line({"check", "-c", "a.toml", "--set", "a=1", "--set", "b=[2]",
                                          "-o", "json", "-q", "-vv", "--color", "always", "--dump"},
                                         true);
    ASSERT_TRUE(line) << line.error().error;
    EXPECT_EQ(line->common.config, "a.toml");
    EXPECT_EQ(line->common.sets, (Words{"a=1", "b=[2]"}));
    EXPECT_EQ(line->common.output, OutputFormat::json);
    EXPECT_TRUE(line->common.quiet);
    EXPECT_EQ(line->common.verbose, 2U);
    EXPECT_EQ(line->common.color, ColorMode::always);
    EXPECT_TRUE(std::get<CheckCommand>(line->verb).dump);
    EXPECT_NE(farewell({"-c", "x", "run"}).error.find("stands before the verb"), std::string::npos);
}

TEST(CommandLine, no_color_is_obeyed_unless_told_otherwise) {
    EXPECT_EQ(parse_command_line({"devices"}, true)->common.color, ColorMode::never);
    EXPECT_EQ(parse_command_line({"devices"}, false)->common.color, ColorMode::automatic);
}

TEST(CommandLine, read_takes_existing_files) {
    std::string name = (fs::temp_directory_path() / "read_XXXXXX").string();
    const fs::path folder = ::mkdtemp(name.data());
    const std::string file = folder / "tcp";
    std::ofstream(file) << "x";
    const auto read =
        command<ReadCommand>({"read", file, "-", "--workers", "2", "--strict", "--top", "3",
                              "--utc", "--flows", "-n", "h:1", "--dedup", "2ms"});
    EXPECT_EQ(read.dedup, "2ms");
    EXPECT_EQ(read.files, (Words{file, "-"}));
    EXPECT_EQ(read.workers, 2U);
    EXPECT_EQ(read.top, 3U);
    EXPECT_TRUE(read.strict && read.utc && read.flows);
    EXPECT_EQ(read.collectors, Words{"udp://h:1"});

    const auto some = command<ReadCommand>({"read", file, "-", "tcp", "port", "443", "-w", "/o"});
    EXPECT_EQ(some.files, (Words{file, "-"}));
    EXPECT_EQ(some.packets.filter(), "tcp port 443");
    EXPECT_EQ(some.packets.write, "/o");
    EXPECT_EQ(command<ReadCommand>({"read", "-", "(tcp or udp)"}).packets.filter(), "(tcp or udp)");
    EXPECT_NE(farewell({"read", file, "tcp", "prot", "443"}).error.find("libpcap says"),
              std::string::npos);
    EXPECT_NE(farewell({"read", "tcp", "port", "443"}).error.find("no file is named"),
              std::string::npos);
    EXPECT_NE(farewell({"read", folder.string()}).error.find("is a directory"), std::string::npos);
    EXPECT_NE(farewell({"read", file + "x"}).error.find("no such file"), std::string::npos);
    fs::remove_all(folder);
}

TEST(CommandLine, ctl_has_actions) {
    EXPECT_EQ(command<CtlCommand>({"ctl", "status"}).action, Action::status);
    EXPECT_EQ(command<CtlCommand>({"ctl", "books", "--socket", "/s"}).socket, "/s");
    EXPECT_EQ(command<CtlCommand>({"ctl", "stats", "--url", "http://h"}).url, "http://h");
    EXPECT_EQ(command<CtlCommand>({"ctl", "reload"}).action, Action::reload);
    EXPECT_EQ(command<CtlCommand>({"ctl", "stop"}).action, Action::stop);
    EXPECT_EQ(command<CtlCommand>({"ctl", "prefilter", "show"}).action, Action::prefilter_show);
    const auto add = command<CtlCommand>({"ctl", "prefilter", "add", "10.0.0.0/8", "::/0"});
    EXPECT_EQ(add.action, Action::prefilter_add);
    EXPECT_EQ(add.prefixes, (Words{"10.0.0.0/8", "::/0"}));
    const auto deny = command<CtlCommand>({"ctl", "prefilter", "deny", "1", "65535"});
    EXPECT_EQ(deny.action, Action::prefilter_deny);
    EXPECT_EQ(deny.ports, (std::vector<std::uint16_t>{1, 65'535}));
    EXPECT_EQ(command<CtlCommand>({"ctl", "prefilter", "allow", "1"}).action,
              Action::prefilter_allow);
    EXPECT_EQ(command<CtlCommand>({"ctl", "prefilter", "remove", "::/0"}).action,
              Action::prefilter_remove);
    EXPECT_EQ(command<CtlCommand>({"ctl", "prefilter", "sample", "1000000"}).sample, 1'000'000U);
    EXPECT_EQ(command<CtlCommand>({"ctl", "recall", "show"}).action, Action::recall_show);
    EXPECT_EQ(command<CtlCommand>({"ctl", "recall", "host", "::1"}).recall.source, "::1");
    const auto flow =
        command<CtlCommand>({"ctl", "recall", "flow", "tcp", "10.0.0.1", "80", "10.0.0.2", "90"});
    EXPECT_EQ(flow.action, Action::recall_flow);
    const auto filter = command<CtlCommand>({"ctl", "recall", "filter", "udp port 53", "or icmp"});
    EXPECT_EQ(filter.action, Action::recall_filter);
    EXPECT_EQ(filter.recall.words, (std::vector<std::string>{"udp port 53", "or icmp"}));
    EXPECT_EQ(flow.recall.protocol, "tcp");
    EXPECT_EQ(flow.recall.source_port, 80);
    EXPECT_EQ(flow.recall.destination, "10.0.0.2");
    EXPECT_EQ(flow.recall.destination_port, 90);
}

struct Wrong {
    Words words;
    std::string says;
};

TEST(CommandLine, mistakes_are_refused_before_anything_starts) {
    const std::vector<Wrong> cases{
        {{"rnu"}, "tapmeter: unknown verb \"rnu\"; did you mean \"run\"?"},
        {{"rnu", "-i", "eth1"}, "did you mean \"run\"?"},
        {{""}, "unknown verb \"\""},
        {{"ctl", "stauts"}, "tapmeter ctl: unknown verb \"stauts\"; did you mean \"status\"?"},
        {{"ctl", "prefilter", "ad"}, "did you mean \"add\"?"},
        {{"run", "--exprot", "h"}, "unknown option \"--exprot\"; did you mean \"--export\"?"},
        {{"run", "--exprot=h"}, "unknown option \"--exprot\""},
        {{"run", "-z"}, "unknown option \"-z\"\n"},
        {{"run", "-i"}, "SOURCE missing"},
        {{"run", "-i", "xpd:eth1"}, "did you mean \"xdp\"?"},
        {{"run", "-i", ""}, "must be"},
        {{"run", "-n", "quic://h"}, "no other transport is supported"},
        {{"run", "-n", "h:0"}, "udp://HOST:PORT"},
        {{"run", "--duration", "30"}, "must be a duration"},
        {{"run", "-o", "xml"}, "must be text, json, csv"},
        {{"run", "--color", "nver"}, "did you mean \"never\"?"},
        {{"run", "-i", "eth0", "tcp prot 443"}, "the filter \"tcp prot 443\" must be"},
        {{"run", "not", "(arp"}, "libpcap says"},
        {{"run", "--", "--set"}, "libpcap says"},
        {{"run", "-C", "0"}, "not in range"},
        {{"run", "-W", "0"}, "not in range"},
        {{"run", "-G", "0"}, "not in range"},
        {{"run", "-s", "262145"}, "not in range"},
        {{"read"}, "FILES is required"},
        {{"read", "-", "-"}, "only once"},
        {{"read", "-", "--workers", "0"}, "not in range"},
        {{"read", "-", "--workers", "65"}, "not in range"},
        {{"read", "-", "--top", "1001"}, "not in range"},
        {{"read", "-", "--dedup", "11ms"}, "0s to 10ms"},
        {{"read", "-", "--dedup", "soon"}, "0s to 10ms"},
        {{"read", "-", "--top", "-1"}, "--top"},
        {{"read", "-", "--top", "x"}, "--top"},
        {{"read", "-", "--flowz"}, "did you mean \"--flows\"?"},
        {{"ctl", "books", "--socket", "a", "--url", "b"}, "excludes"},
        {{"ctl", "prefilter", "add"}, "PREFIX is required"},
        {{"ctl", "prefilter", "deny", "65536"}, "not in range"},
        {{"ctl", "prefilter", "deny", "0"}, "not in range"},
        {{"ctl", "prefilter", "sample", "0"}, "not in range"},
        {{"devices", "extra"}, "unexpected argument"},
        {{"completion", "bsh"}, "bash, zsh or fish"},
        {{"completion"}, "SHELL is required"},
        {{"-x"}, "stands before the verb"},
    };
    for (const Wrong& wrong : cases) {
        const Farewell answer = farewell(wrong.words);
        EXPECT_EQ(answer.code, ExitCode::refused) << wrong.says;
        EXPECT_TRUE(answer.output.empty());
        EXPECT_NE(answer.error.find(wrong.says), std::string::npos) << wrong.says << "\n"
                                                                    << answer.error;
    }
}

TEST(CommandLine, help_and_version_stand_on_standard_output) {
    for (const Words& words :
         {Words{"-h"}, Words{"run", "-h"}, Words{"read", "--help"}, Words{"check", "-h"},
          Words{"devices", "-h"}, Words{"demo", "-h"}, Words{"completion", "-h"},
          Words{"ctl", "-h"}, Words{"ctl", "books", "-h"}, Words{"ctl", "prefilter", "-h"},
          Words{"ctl", "prefilter", "deny", "-h"}}) {
        const Farewell answer = farewell(words);
        EXPECT_EQ(answer.code, ExitCode::done);
        EXPECT_NE(answer.output.find("Usage: tapmeter"), std::string::npos) << answer.output;
        EXPECT_NE(answer.output.find("Example:\n  tapmeter"), std::string::npos) << answer.output;
        EXPECT_TRUE(answer.error.empty());
    }
    EXPECT_EQ(farewell({"-V"}).output, "tapmeter 0.1.0\n");
    EXPECT_EQ(farewell({"run", "--version"}).output, "tapmeter 0.1.0\n");
    for (const Words& words : {Words{}, Words{"ctl"}, Words{"ctl", "prefilter"}}) {
        const Farewell answer = farewell(words);
        EXPECT_EQ(answer.code, ExitCode::refused);
        EXPECT_NE(answer.error.find("Subcommands:"), std::string::npos) << answer.error;
    }
}

TEST(CommandLine, completion_knows_every_verb_and_option) {
    for (const std::string& shell : std::initializer_list<std::string>{"bash", "zsh", "fish"}) {
        const std::string script = farewell({"completion", shell}).output;
        for (const auto* const word :
             {"run", "read", "check", "devices", "ctl", "demo", "prefilter", "sample", "duration",
              "strict", "dump", "csv"}) {
            EXPECT_NE(script.find(word), std::string::npos) << shell << " " << word;
        }
    }
}

}  // namespace
}  // namespace tapmeter::verbs
