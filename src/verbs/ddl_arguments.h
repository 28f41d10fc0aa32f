#pragma once

#include <array>
#include <string_view>

#include "src/verbs/command_line.h"

namespace CLI {
class App;
}

namespace tapmeter::verbs {

inline constexpr std::array<std::string_view, 3> ddl_parts{"flows", "distributed", "rollups"};
inline constexpr std::array<std::string_view, 2> ddl_servers{"current", "18.16"};

// Adds the verb, without the options that others have too.
CLI::App& add_ddl(CLI::App& program, DdlCommand& draft);

}  // namespace tapmeter::verbs
