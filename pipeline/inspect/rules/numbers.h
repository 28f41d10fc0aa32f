#pragma once

#include <cstdint>
#include <string_view>

#include "pipeline/inspect/rules/rule.h"

namespace tapmeter::inspect::rules {

// A whole decimal number from `least` to `most`; hexadecimal with 0x. `what` names it in the words
// of the refusal.
struct Limits {
    std::string_view what;
    std::int64_t least = 0;
    std::int64_t most = 0;
};
Parsed<std::int64_t> parse_number(std::string_view text, const Limits& limits);

// "5", "=5", "!5", ">5", "<5", ">=5", "<=5", "5<>9" (both ends left out), "5-9" (with both).
Parsed<Bounds> parse_bounds(std::string_view text, const Limits& limits);

}  // namespace tapmeter::inspect::rules
