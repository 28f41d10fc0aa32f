#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/inspect/rules/address_set.h"

namespace tapmeter::inspect::rules {

inline constexpr std::size_t options_max = 512;  // of one rule

// One rule's text, joined over its continued lines ('\' at the end).
struct RuleText {
    std::string text;
    std::size_t line = 0;                  // where it begins, from 1
    std::vector<std::size_t> line_starts;  // offsets in `text` where lines begin; the first is 0
};

// Line and column of an offset in the joined text.
struct LineColumn {
    std::size_t line = 0;
    std::size_t column = 0;
};
LineColumn place_of(const RuleText& rule, std::size_t offset);

// Walks a file's octets: gives one rule after the other, without comments and empty lines.
class RuleReader {
public:
    explicit RuleReader(std::string_view octets) : rest_(octets) {}

    // The next rule; nothing at the end. A text longer than rule_octets_max comes cut at that
    // length, and the parser refuses it by name.
    std::optional<RuleText> next();

private:
    std::string_view cut_line();

    std::string_view rest_;
    std::size_t line_ = 0;
};

// "keyword:value;" or "keyword;", with the offset of the keyword in the rule's text.
struct Option {
    std::string_view keyword;
    std::string_view value;  // without the blanks around it; empty where there is none
    std::size_t at = 0;
};

struct Lexed {
    std::vector<std::string_view> header;  // action, protocol, source, port, ->, destination, port
    std::vector<Option> options;
};

struct LexFault {
    std::string why;
    std::size_t at = 0;
};

tl::expected<Lexed, LexFault> lex(std::string_view text);

// A value's quotes and the '!' before them.
struct Quoted {
    std::string_view text;
    bool negated = false;
};
// error  a quote that is not closed
Parsed<Quoted> unquote(std::string_view value);

// A content's octets: "abc|0d 0a|\;": hexadecimal in bars, '\' before " ; \ :
Parsed<std::string> unescape_content(std::string_view text);

// Cuts at commas, with the blanks around each part taken off.
std::vector<std::string_view> split_list(std::string_view text, char at = ',');

}  // namespace tapmeter::inspect::rules
