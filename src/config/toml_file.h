#pragma once

#include <string_view>
#include <vector>

#include "src/config/toml_node.h"

namespace tapmeter::config {

// Beyond this many octets only the first syntax error of a text is looked for, because each
// further one costs another pass over the text.
inline constexpr std::size_t recovery_octets_max = std::size_t{64} << 10U;
inline constexpr std::size_t syntax_faults_max = 50;

struct TomlFile {
    TomlNode root;              // the table of what could be read
    std::vector<Fault> faults;  // syntax errors and keys that are set twice
    // True when a fault took keys with it, so that "missing" says nothing.
    bool incomplete = false;
};

// Reads TOML 1.0 (the library is toml++ 3.3; this file is the only one that knows it). Any text
// is fine: it never throws, never overflows the stack, and after a syntax error it leaves the
// broken line out and reads on, so that all errors of a file are reported at once.
TomlFile parse_toml(std::string_view text);

}  // namespace tapmeter::config
