#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "src/config/toml_node.h"

namespace tapmeter::config {

// What a configuration file may be at most. Beyond, it is refused before the TOML library sees it,
// which would meet deep nesting with recursion.
inline constexpr std::size_t file_octets_max = std::size_t{4} << 20U;
inline constexpr std::size_t nesting_max = 16;    // brackets and braces inside each other
inline constexpr std::size_t key_parts_max = 16;  // parts of a dotted key: a.b.c has three

// Looks over a text before it is parsed: size, UTF-8 (RFC 3629), NUL. The first fault, or nothing.
// A byte order mark of UTF-8 and CRLF line ends are fine. Linear in the text's size.
std::optional<Fault> find_text_fault(std::string_view text);

// Looks over a text without such faults for what toml++ 3.3 must not see. Linear.
//   nesting, on which it recurses
//   a table header without a name, for a better message than its assertion gives
//   letters beyond ASCII outside of quotes, in quoted keys and behind a backslash in a string of
//   several lines: its test for blanks has undefined behaviour for most of them
// The first two and most of the third are no TOML anyway; a key of ours is ASCII.
std::optional<Fault> find_shape_fault(std::string_view text);

}  // namespace tapmeter::config
