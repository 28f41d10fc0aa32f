#pragma once

#include <cstdint>
#include <filesystem>

#include "pipeline/base/result.h"

namespace tapmeter::inspect {

enum class RuleFile : std::uint8_t {
    // "tcp:81,tcp:8181@HTTP", "host:\"example.org\"@Example", "ip:192.0.2.0/24@Mine"
    own_protocols,
    // "example.org" or "192.0.2.0/24", a tab, the category's number
    own_categories,
};

// Most of what an operator may ask for; nDPI 4.2 has room for so many protocols beside its own.
inline constexpr std::size_t rule_lines_max = 100'000;
inline constexpr std::size_t own_protocols_max = 200;

// Reads the file as nDPI will, which passes over what it does not understand without a word.
// errors  io              the file cannot be read
//         invalid_config  FILE:LINE: what is wrong with it, and what would be right
Result<void> check_rule_file(const std::filesystem::path& file, RuleFile kind);

}  // namespace tapmeter::inspect
