#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "pipeline/base/result.h"

namespace tapmeter::control {

// Quoted and cut, for messages.
std::string shown(const nlohmann::json& value);

// Reads one JSON object whose members are scalars or lists of scalars.
// what, example  for messages: "prefilter change", `{"add": ["10.0.0.0/8"]}`
// errors  invalid_config: no JSON, no object, nested deeper, or a member given twice, of which the
//         library would silently keep the last
Result<nlohmann::json> parse_flat(std::string_view text, const std::string& what,
                                  const std::string& example);

}  // namespace tapmeter::control
