#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tapmeter::verbs {

// The command line as a tree, as completion scripts see it.
struct OptionWord {
    std::vector<std::string> names;    // "-o", "--output"
    std::vector<std::string> choices;  // of its value; empty: any, or none
    bool takes_value = false;
    std::string help;
};

struct VerbWord {
    std::string name;
    std::string help;
    std::vector<OptionWord> options;
    std::vector<std::string> choices;  // of its argument
    std::vector<VerbWord> verbs;
};

// The script that teaches a shell the words of `program`. nothing for an unknown shell.
// shell   "bash", "zsh" or "fish"
std::optional<std::string> completion_script(const VerbWord& program, std::string_view shell);

}  // namespace tapmeter::verbs
