#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "src/config/keys.h"
#include "src/config/toml_node.h"

namespace tapmeter::config {

// Checks what a file says for a key.
// errors  `idle_timeout = "10x": must be a duration such as ...`, at the value, or at the item of
//         a list that is wrong
tl::expected<Value, Fault> check_node(const Key& key, const TomlNode& node);

// Checks what --set or the environment says: the value without TOML's quotes, a list with commas.
tl::expected<Value, Fault> check_text(const Key& key, std::string_view text);

// The value as it stands in a file; the same letters are JSON.
std::string toml_text(const Key& key, const Value& value);

// A text in quotes, escaped for TOML and JSON alike.
std::string in_quotes(std::string_view text);

// The same for messages: long texts end in dots.
std::string shortened(std::string_view text);

}  // namespace tapmeter::config
