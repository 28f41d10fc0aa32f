#pragma once

#include "src/config/load.h"
#include "src/machine/apply.h"
#include "src/machine/facts.h"
#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

// By what setup looks at a machine and changes it; tests put a folder and a record in their place.
struct Hands {
    machine::Tree tree = machine::Tree();
    machine::AskDriver ask = machine::ask_driver;
    machine::RunCommand run = machine::run_command;
    bool is_root = false;
};
// Those of this process on this machine.
Hands own_hands();

// tapmeter setup: prints what this machine lacks for the configuration, a line each with its
// reason; with --apply does all that needs no reboot and no person, and says what came of it. Asks
// nothing. A second time there is nothing left to do.
// returns  refused  --apply without root; failed  a step failed, the others were done
ExitCode setup(const SetupCommand& command, const CommonOptions& common, const LoadRequest& config,
               const Hands& hands);

}  // namespace tapmeter::verbs
