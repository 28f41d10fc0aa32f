#pragma once

#include <string>
#include <vector>

#include "src/verbs/command_line.h"

namespace CLI {
class App;
}

namespace tapmeter::verbs {

// Where CLI11 puts what it reads of `bench`; every text is checked as it is read.
struct BenchDraft {
    std::string traffic = "uniform";
    std::string flows;
    unsigned workers = 1;
    std::string cores;
    std::string duration = "3s";
    std::vector<std::string> sizes{"64"};
    std::vector<std::string> collectors;
    std::vector<std::string> json_paths;
};

// Adds the verb, without the options that every verb takes.
CLI::App& add_bench(CLI::App& program, BenchDraft& draft);

// The command that a draft means whose texts were all checked.
BenchCommand bench_command_of(const BenchDraft& draft);

// What the configuration is to be for it: traffic decides the size of the flow table, unless
// somebody says it; workers and cores are said on the command line.
void complete_request(const BenchCommand& command, LoadRequest& request);

}  // namespace tapmeter::verbs
