#pragma once

#include <array>
#include <string>
#include <string_view>

#include "src/verbs/bench_arguments.h"
#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

inline constexpr std::array<std::string_view, 3> output_words{"text", "json", "csv"};
inline constexpr std::array<std::string_view, 3> color_words{"auto", "always", "never"};

// Where CLI11 puts what it reads, before the chosen verb is cut out of it.
struct Draft {
    CommonOptions common;
    std::string output = "text";
    std::string color = "auto";
    std::string duration;
    std::string shell;
    std::string config;
    std::string socket;
    RunCommand run;
    ReadCommand read;
    CheckCommand check;
    SetupCommand setup;
    CtlCommand ctl;
    DdlCommand ddl;
    BenchDraft bench;
};

// The command line that the draft of a known `verb` means; every text in it has been checked.
CommandLine command_line_of(const Draft& draft, std::string_view verb, bool no_color);

}  // namespace tapmeter::verbs
