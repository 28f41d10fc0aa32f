#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "src/config/toml_node.h"

namespace tapmeter {

// Where the value of a setting comes from.
struct ConfigOrigin {
    enum class Kind : std::uint8_t { built_in, file, environment, command_line };

    Kind kind = Kind::built_in;
    std::string where;    // the file as it was named, the variable, or the option with its argument
    config::Position at;  // in a file

    std::string to_text() const;  // "default", "tapmeter.toml:12:5", "environment TAPMETER_..."
};

// One thing that is wrong with a configuration, and where.
struct ConfigError {
    std::string file;        // or "environment NAME", "--set KEY=VALUE"
    std::uint32_t line = 0;  // from 1; 0: not in a text
    std::uint32_t column = 0;
    std::string message;

    std::string to_text() const;  // file:line:column: message
};

namespace config {

inline constexpr std::size_t errors_max = 50;

// Collects what is wrong. Beyond errors_max it only counts.
class ErrorList {
public:
    void add(const ConfigOrigin& origin, std::string message);

    bool empty() const { return total_ == 0; }
    bool full() const { return errors_.size() >= errors_max; }

    // In the order of files as they were read, then of lines. At most errors_max: the last one
    // says how many more there are.
    std::vector<ConfigError> take();

private:
    std::vector<ConfigError> errors_;
    std::size_t total_ = 0;
};

}  // namespace config
}  // namespace tapmeter
