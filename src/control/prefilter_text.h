#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/control/instance.h"

namespace tapmeter::control {

inline constexpr std::size_t prefixes_per_change_max = 10'000;
inline constexpr std::uint32_t sample_max = 1'000'000;

// Reads a change of the prefilter: one JSON object with at least one of the members interface, add,
// remove (prefixes), deny, allow (ports), sample (keep 1 in N), and nothing else.
// errors  invalid_config: not JSON, a member unknown, given twice, of the wrong type or out of
//         range; the message says which, where, and what would be right
Result<PrefilterChange> parse_prefilter_change(std::string_view json);

std::string prefilter_as_json(const std::vector<PrefilterState>& states);
std::string prefilter_as_text(const std::vector<PrefilterState>& states);
std::string prefilter_as_csv(const std::vector<PrefilterState>& states);

}  // namespace tapmeter::control
