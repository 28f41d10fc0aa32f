#include "src/verbs/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "src/config/address.h"
#include "src/config/check.h"
#include "src/config/nearest.h"
#include "src/config/quantity.h"
#include "src/metrics/version.h"
#include "src/verbs/command_draft.h"
#include "src/verbs/completion.h"
#include "src/verbs/ctl_arguments.h"
#include "src/verbs/ddl_arguments.h"
#include "src/verbs/file_arguments.h"
#include "src/verbs/option_checks.h"
#include "src/verbs/packet_arguments.h"
#include "src/verbs/setup_arguments.h"

namespace tapmeter::verbs {

namespace {

constexpr std::size_t help_column = 30;

std::string version_text() {
    return "tapmeter " + std::string(version) + "\n";
}

void add_choice(CLI::App& verb, const std::string& names, std::string& value,
                std::pair<std::span<const std::string_view>, std::string> words_and_help) {
    const auto words = words_and_help.first;
    verb.add_option(names, value, words_and_help.second)
        ->type_name(joined(words, "|"))
        ->check([words](const std::string& text) { return choice_fault(words, text); });
}

// One value each time the option is given; never a list, so that "[::1]" stays what it is.
CLI::Option* add_repeated(CLI::App& verb, const std::string& names,
                          std::vector<std::string>& values, const std::string& help) {
    return verb.add_option(names, values, help)->allow_extra_args(false);
}

void add_common(CLI::App& verb, Draft& draft) {
    verb.set_help_flag("-h,--help", "this help");
    verb.set_version_flag("-V,--version", version_text(), "print the version");
    verb.add_option("-c,--config", draft.config, "configuration file")->type_name("FILE");
    add_repeated(verb, "--set", draft.common.sets, "set one key, such as flow.idle_timeout=10s")
        ->type_name("KEY=VALUE");
    add_choice(verb, "-o,--output", draft.output, {output_words, "how results are printed"});
    add_choice(verb, "--color", draft.color, {color_words, "colours; auto obeys NO_COLOR"});
    verb.add_flag("-q,--quiet", draft.common.quiet, "say nothing but errors");
    verb.add_flag("-v,--verbose", draft.common.verbose, "say more; repeat for even more");
}

void add_exports(CLI::App& verb, std::vector<std::string>& collectors,
                 std::vector<std::string>& json_paths) {
    add_repeated(verb, "-n,--export", collectors,
                 "send flow records as IPFIX to udp://HOST:PORT, or netflow9://; may be repeated")
        ->type_name("COLLECTOR")
        ->check(checked_by([](const std::string& text) {
            return config::parse_collector(config::collector_url(text));
        }));
    add_repeated(verb, "--json", json_paths,
                 "write flow records as JSON lines; - is stdout; or tcp://, udp://, unix://")
        ->type_name("PATH");
}

void add_duration(CLI::App& verb, Draft& draft) {
    verb.add_option("--duration", draft.duration, "stop after so long, such as 30s")
        ->type_name("TIME")
        ->check(duration_fault);
}

void add_sources(CLI::App& verb, std::vector<std::string>& sources) {
    add_repeated(verb, "-i,--interface", sources,
                 "capture from eth1, xdp:eth1, pci:ADDRESS, dpdk:DEVICE or pcap:FILE; may be "
                 "repeated")
        ->type_name("SOURCE")
        ->check(checked_by(config::parse_source));
}

void add_run(CLI::App& program, Draft& draft) {
    CLI::App& verb = *program.add_subcommand("run", "meter live traffic and export flow records");
    add_sources(verb, draft.run.sources);
    add_exports(verb, draft.run.collectors, draft.run.json_paths);
    add_duration(verb, draft);
    verb.add_option("EXPRESSION", draft.run.packets.filter_words, filter_help)->type_name("");
    add_packet_options(verb, draft.run.packets);
    add_common(verb, draft);
    verb.footer("Example:\n  tapmeter run -i eth1 -n udp://10.0.0.9:4739");
}

void add_read(CLI::App& program, Draft& draft) {
    CLI::App& verb = *program.add_subcommand("read", "meter capture files and print the books");
    verb.add_option("FILES", draft.read.files,
                    "pcap, pcapng or IPFIX files, - is standard input; behind them a filter")
        ->type_name("")
        ->required();
    add_exports(verb, draft.read.collectors, draft.read.json_paths);
    verb.add_option("--workers", draft.read.workers, "worker threads")
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, workers_max));
    verb.add_option("--flow-key", draft.read.flow_key, "flow of tunnelled packets: inner or outer")
        ->type_name("LAYER")
        ->check(CLI::IsMember({"inner", "outer"}));
    verb.add_option("--dedup", draft.read.dedup, "leave out packets that came so lately already")
        ->type_name("WINDOW")
        ->check(window_fault);
    verb.add_flag("--strict", draft.read.strict, "exit 3 when packets were lost or not decoded");
    verb.add_option("--top", draft.read.top, "hosts in the table; 0: none are counted")
        ->type_name("N")
        ->check(CLI::Range(0U, top_max));
    verb.add_flag("--utc", draft.read.utc, "print times in UTC");
    verb.add_flag("--flows", draft.read.flows, "print every flow record");
    add_packet_options(verb, draft.read.packets);
    add_common(verb, draft);
    verb.footer("Example:\n  tapmeter read --flows -o json file.pcap");
}

void add_machine_verbs(CLI::App& program, Draft& draft) {
    CLI::App& check = *program.add_subcommand("check", "check configuration and machine");
    check.add_flag("--dump", draft.check.dump,
                   "print the effective configuration and where each value comes from");
    check
        .add_flag("--rules", draft.check.rules,
                  "read and compile rules instead: FILES, or those of [signatures]")
        ->excludes("--dump");
    check.add_option("FILES", draft.check.rule_files, "rule files, with --rules")
        ->type_name("")
        ->needs("--rules");
    add_sources(check, draft.check.sources);
    add_common(check, draft);
    check.footer("Example:\n  tapmeter check -c /etc/tapmeter/tapmeter.toml --dump");

    CLI::App& setup = add_setup(program, draft.setup);
    add_sources(setup, draft.setup.sources);
    add_common(setup, draft);
}

void add_small_verbs(CLI::App& program, Draft& draft) {
    CLI::App& devices = *program.add_subcommand("devices", "list interfaces and how to capture");
    add_common(devices, draft);
    devices.footer("Example:\n  tapmeter devices -o json");

    CLI::App& demo = *program.add_subcommand("demo", "run with generated traffic");
    add_duration(demo, draft);
    add_common(demo, draft);
    demo.footer("Example:\n  tapmeter demo --duration 30s");

    CLI::App& completion = *program.add_subcommand("completion", "print a completion script");
    completion.set_help_flag("-h,--help", "this help");
    completion.add_option("SHELL", draft.shell, "whose script")
        ->type_name("bash|zsh|fish")
        ->required();
    completion.footer("Example:\n  tapmeter completion bash > /etc/bash_completion.d/tapmeter");
}

void add_verbs(CLI::App& program, Draft& draft) {
    program.set_help_flag("-h,--help", "this help");
    program.set_version_flag("-V,--version", version_text(), "print the version");
    program.require_subcommand(1);
    program.get_formatter()->column_width(help_column);
    program.footer(
        "Options come behind the verb; `tapmeter VERB -h` explains them.\n"
        "Example:\n  tapmeter run -i eth1 -n udp://10.0.0.9:4739");
    add_run(program, draft);
    add_read(program, draft);
    add_machine_verbs(program, draft);
    add_small_verbs(program, draft);
    add_common(add_bench(program, draft.bench), draft);
    add_common(add_ddl(program, draft.ddl), draft);
    add_ctl(program, draft, [&draft](CLI::App& action) { add_common(action, draft); });
}

std::string name_with_dashes(const std::string& name, bool is_long) {
    return (is_long ? "--" : "-") + name;
}

VerbWord words_of(const CLI::App& app) {
    VerbWord verb{app.get_name(), app.get_description(), {}, {}, {}};
    const auto choices_of = [](const CLI::Option& option) {
        const std::string type = option.get_type_name();
        return type.find('|') == std::string::npos ? std::vector<std::string>()
                                                   : CLI::detail::split(type, '|');
    };
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_positional()) {
            verb.choices = choices_of(*option);
            continue;
        }
        OptionWord word{{},
                        choices_of(*option),
                        option->get_items_expected_max() > 0,
                        option->get_description()};
        for (const std::string& name : option->get_snames()) {
            word.names.push_back(name_with_dashes(name, false));
        }
        for (const std::string& name : option->get_lnames()) {
            word.names.push_back(name_with_dashes(name, true));
        }
        verb.options.push_back(std::move(word));
    }
    for (const CLI::App* inner : app.get_subcommands({})) {
        verb.verbs.push_back(words_of(*inner));
    }
    return verb;
}

// The verb furthest down that was named: `ctl prefilter` of "tapmeter ctl prefilter ad".
const CLI::App& deepest(const CLI::App& app) {
    const CLI::App* at = &app;
    while (!at->get_subcommands().empty()) {
        at = at->get_subcommands().front();
    }
    return *at;
}

std::string path_of(const CLI::App& app) {
    const CLI::App* parent = app.get_parent();
    return parent == nullptr ? app.get_name() : path_of(*parent) + " " + app.get_name();
}

Farewell refused(const CLI::App& at, const std::string& message) {
    const std::string path = path_of(at);
    return {ExitCode::refused, {}, path + ": " + message + "\nTry `" + path + " -h`.\n"};
}

// The first argument that nobody took, in words; nothing when all were taken.
std::optional<std::string> stranger_fault(const CLI::App& at) {
    const std::vector<std::string> rest = at.remaining();
    if (rest.empty()) {
        return std::nullopt;
    }
    const VerbWord words = words_of(at);
    const bool is_option = rest.front().starts_with('-');
    std::vector<std::string_view> candidates;
    for (const VerbWord& verb : words.verbs) {
        candidates.push_back(verb.name);
    }
    if (is_option) {
        candidates.clear();
        for (const OptionWord& option : words.options) {
            candidates.insert(candidates.end(), option.names.begin(), option.names.end());
        }
    }
    const std::string name = rest.front().substr(0, rest.front().find('='));
    // Every wrong letter is near to some right one: only long names are worth a guess.
    const std::string hint = name.starts_with('-') && !name.starts_with("--")
                                 ? std::string()
                                 : config::did_you_mean(name, candidates);
    if (is_option) {
        return "unknown option " + config::shortened(name) + hint;
    }
    if (!words.verbs.empty()) {
        return "unknown verb " + config::shortened(name) + hint;
    }
    return "unexpected argument " + config::shortened(rest.front());
}

std::optional<std::string> early_option_fault(const std::vector<std::string>& arguments) {
    constexpr std::array<std::string_view, 4> known{"-h", "--help", "-V", "--version"};
    if (arguments.empty() || !arguments.front().starts_with('-') ||
        std::ranges::find(known, arguments.front()) != known.end()) {
        return std::nullopt;
    }
    return "option " + config::shortened(arguments.front()) +
           " stands before the verb; write: tapmeter VERB OPTIONS";
}

Farewell farewell_of(const CLI::App& program, const CLI::ParseError& error) {
    const CLI::App& at = deepest(program);
    if (dynamic_cast<const CLI::CallForVersion*>(&error) != nullptr) {
        return {ExitCode::done, version_text(), {}};
    }
    if (error.get_exit_code() == 0) {
        return {ExitCode::done, program.help(), {}};
    }
    if (const auto fault = stranger_fault(at)) {
        return refused(at, *fault);
    }
    if (const auto behind = program.remaining(true); !behind.empty()) {
        return refused(at, "unexpected argument " + config::shortened(behind.front()));
    }
    const bool needs_verb = at.get_require_subcommand_min() > 0 && at.get_subcommands().empty();
    return needs_verb ? Farewell{ExitCode::refused, {}, program.help()} : refused(at, error.what());
}

tl::expected<CommandLine, Farewell> parsed(const CLI::App& program, const Draft& draft,
                                           bool no_color) {
    const CLI::App& at = deepest(program);
    const std::string verb = program.get_subcommands().front()->get_name();
    if (verb == "completion") {
        const auto script = completion_script(words_of(program), draft.shell);
        return tl::unexpected(script ? Farewell{ExitCode::done, *script, {}}
                                     : refused(at, "the shell must be bash, zsh or fish"));
    }
    if (const auto fault = verb == "read" ? files_fault(draft.read.files) : std::nullopt) {
        return tl::unexpected(refused(at, *fault));
    }
    if (const auto fault = packet_options_fault(draft, verb)) {
        return tl::unexpected(refused(at, *fault));
    }
    if (const auto fault = verb == "bench" ? bench_fault(draft.bench) : std::nullopt) {
        return tl::unexpected(refused(at, *fault));
    }
    return command_line_of(draft, verb, no_color);
}

}  // namespace

tl::expected<CommandLine, Farewell> parse_command_line(std::vector<std::string> arguments,
                                                       bool no_color) {
    CLI::App program("turns packets into flow records whose books balance", "tapmeter");
    Draft draft;
    add_verbs(program, draft);
    if (const auto fault = early_option_fault(arguments)) {
        return tl::unexpected(refused(program, *fault));
    }
    std::ranges::reverse(arguments);  // CLI11 takes them from the end
    try {
        program.parse(std::move(arguments));
        return parsed(program, draft, no_color);
    } catch (const CLI::ParseError& error) {  // the library throws; the exception ends here
        return tl::unexpected(farewell_of(program, error));
    }
}

}  // namespace tapmeter::verbs
