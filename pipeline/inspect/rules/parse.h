#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/inspect/rules/lexer.h"
#include "pipeline/inspect/rules/rule.h"

namespace tapmeter::inspect::rules {

// A rule that was left out, whole, and why.
struct LeftOut {
    enum class Cause : std::uint8_t { unsupported, malformed, duplicate, too_many };
    Place place;
    Cause cause = Cause::malformed;
    std::string subject;    // the keyword or part of the header that it was left out for
    std::string why;        // for people
    std::uint32_t sid = 0;  // 0 where it was not reached
};

// "local.rules:12:34: keyword "lua" is not supported".
std::string text_of(const LeftOut& left_out);

// What was read, in the order of the files.
struct RuleSet {
    std::vector<Rule> rules;
    std::vector<LeftOut> left_out;
};

// One rule, whole or not at all.
tl::expected<Rule, LeftOut> parse_rule(const RuleText& text, std::string_view file,
                                       Variables variables);

// All rules of a file's octets. Of two rules with one gid and sid the higher rev stays, the later
// where they are the same; the other is left out as a duplicate.
void parse_rules(std::string_view octets, std::string_view file, Variables variables, RuleSet& to);

// Drops duplicates over all files, and what is beyond rules_max.
void settle(RuleSet& rules);

}  // namespace tapmeter::inspect::rules
