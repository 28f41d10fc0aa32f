#pragma once

#include <functional>
#include <string>
#include <vector>

#include "src/machine/plan.h"
#include "src/machine/tree.h"

namespace tapmeter::machine {

// What came of a step.
struct Outcome {
    enum class Kind : std::uint8_t {
        done,
        failed,
        left
    };  // left: for a reboot, by hand, or to the kernel

    Kind kind = Kind::done;
    std::string said = {};  // why it failed, or what the kernel made of it; empty: as wished
};

// Runs a command and answers its exit status; 127 where it is not there. Its output goes to ours.
using RunCommand = std::function<int(const std::vector<std::string>& words)>;
int run_command(const std::vector<std::string>& words);

// Carries one step out and looks whether it took: the kernel may grant fewer huge pages than asked.
Outcome apply(const Step& step, const Tree& tree, const RunCommand& run);

}  // namespace tapmeter::machine
