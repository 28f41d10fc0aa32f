#pragma once

#include <string>
#include <vector>

#include "src/config/config.h"
#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

// tapmeter check --rules: reads and compiles the rules and prints what became of them: how many
// are loaded, each that is left out with its place and reason, what is scanned for. `files` stand
// for rule_files of the configuration, unless they are empty; lists then stay out, too.
// returns  answer_no where a rule was left out or nothing can be compiled; refused where a file
//          cannot be read
ExitCode check_rules(const std::vector<std::string>& files, const Config::Signatures& config,
                     const CommonOptions& common);

}  // namespace tapmeter::verbs
