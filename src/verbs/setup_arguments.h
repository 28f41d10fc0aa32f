#pragma once

#include "src/verbs/command_line.h"

namespace CLI {
class App;
}

namespace tapmeter::verbs {

// Adds the verb, without the options that others have too.
CLI::App& add_setup(CLI::App& program, SetupCommand& draft);

}  // namespace tapmeter::verbs
