#pragma once

#include <functional>

#include "src/verbs/command_draft.h"

namespace CLI {
class App;
}

namespace tapmeter::verbs {

// Adds the verb ctl and all its actions.
// add_common  gives an action the options that every verb takes
void add_ctl(CLI::App& program, Draft& draft, const std::function<void(CLI::App&)>& add_common);

}  // namespace tapmeter::verbs
