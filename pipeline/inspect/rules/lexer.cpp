#include "pipeline/inspect/rules/lexer.h"

#include <algorithm>

#include "pipeline/inspect/rules/group.h"
#include "pipeline/inspect/rules/rule.h"

namespace tapmeter::inspect::rules {

namespace {

constexpr std::size_t header_words = 7;

tl::unexpected<LexFault> fault(std::string why, std::size_t at) {
    return tl::unexpected<LexFault>(LexFault{std::move(why), at});
}

// The end of the header's word at `at`; blanks inside brackets belong to it.
std::size_t word_end(std::string_view text, std::size_t at) {
    int depth = 0;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        depth += c == '[' ? 1 : c == ']' ? -1 : 0;
        if (depth <= 0 && (c == ' ' || c == '\t' || c == '(')) {
            break;
        }
    }
    return at;
}

// The ';' that ends the option at `at`: one without a '\' before it.
std::size_t option_end(std::string_view text, std::size_t at) {
    for (; at < text.size() && text[at] != ';'; ++at) {
        at += text[at] == '\\' ? 1 : 0;
    }
    return std::min(at, text.size());
}

tl::expected<void, LexFault> lex_options(std::string_view text, std::size_t from,
                                         std::vector<Option>& options) {
    while (true) {
        from = text.find_first_not_of(" \t\r\n", from);
        if (from == std::string_view::npos) {
            return {};
        }
        const std::size_t end = option_end(text, from);
        if (end == text.size()) {
            return fault("the option has no ';' at its end", from);
        }
        if (options.size() >= options_max) {
            return fault("the rule has more than " + std::to_string(options_max) + " options",
                         from);
        }
        const std::string_view whole = text.substr(from, end - from);
        const std::size_t colon = whole.find(':');
        Option option{.keyword = trimmed(whole.substr(0, colon)), .value = {}, .at = from};
        if (colon != std::string_view::npos) {
            option.value = trimmed(whole.substr(colon + 1));
        }
        if (!option.keyword.empty()) {
            options.push_back(option);
        }
        from = end + 1;
    }
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The octets between two bars.
Parsed<std::string> unhex(std::string_view text) {
    std::string octets;
    int high = -1;
    for (const char c : text) {
        if (c == ' ') {
            continue;
        }
        const int digit = hex_digit(c);
        if (digit < 0) {
            return refused("\"" + std::string(text) +
                           "\" between bars is not hexadecimal: write |0d 0a|");
        }
        if (high < 0) {
            high = digit;
            continue;
        }
        octets += static_cast<char>((high << 4) | digit);
        high = -1;
    }
    if (high >= 0) {
        return refused("\"" + std::string(text) + "\" between bars has an odd number of digits");
    }
    return octets;
}

}  // namespace

LineColumn place_of(const RuleText& rule, std::size_t offset) {
    const auto behind = std::ranges::upper_bound(rule.line_starts, offset);
    const auto index = static_cast<std::size_t>(behind - rule.line_starts.begin());
    const std::size_t lines = index == 0 ? 0 : index - 1;
    const std::size_t start = rule.line_starts.empty() ? 0 : rule.line_starts[lines];
    return {rule.line + lines, offset - start + 1};
}

std::string_view RuleReader::cut_line() {
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    ++line_;
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

std::optional<RuleText> RuleReader::next() {
    while (!rest_.empty()) {
        RuleText rule;
        std::string_view line = cut_line();
        if (const auto words = trimmed(line); words.empty() || words.starts_with('#')) {
            continue;
        }
        rule.line = line_;
        rule.line_starts.push_back(0);
        const auto add = [&rule](std::string_view part) {
            rule.text += part.substr(
                0, rule_octets_max + 1 - std::min(rule.text.size(), rule_octets_max + 1));
        };
        while (line.ends_with('\\') && !rest_.empty()) {
            add(line.substr(0, line.size() - 1));
            rule.line_starts.push_back(rule.text.size());
            line = cut_line();
        }
        add(line);
        return rule;
    }
    return std::nullopt;
}

tl::expected<Lexed, LexFault> lex(std::string_view text) {
    Lexed out;
    if (text.size() > rule_octets_max) {
        return fault("the rule is longer than " + std::to_string(rule_octets_max) + " octets", 0);
    }
    if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
        return fault("the rule holds a NUL octet", nul);
    }
    std::size_t at = 0;
    for (std::size_t word = 0; word < header_words; ++word) {
        at = std::min(text.find_first_not_of(" \t", at), text.size());
        const std::size_t end = word_end(text, at);
        if (end == at) {
            return fault(
                "the header needs 7 words: action protocol source port -> destination "
                "port; " +
                    std::to_string(word) + " are here",
                at);
        }
        out.header.push_back(text.substr(at, end - at));
        at = end;
    }
    at = std::min(text.find_first_not_of(" \t", at), text.size());
    if (at == text.size() || text[at] != '(') {
        return fault("the options must stand in round brackets behind the header", at);
    }
    const std::string_view body = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    if (!body.ends_with(')')) {
        return fault("the rule has no closing ')'", body.size() - 1);
    }
    auto options = lex_options(body.substr(0, body.size() - 1), at + 1, out.options);
    if (!options) {
        return tl::unexpected<LexFault>(options.error());
    }
    return out;
}

Parsed<Quoted> unquote(std::string_view value) {
    Quoted out;
    if (value.starts_with('!')) {
        out.negated = true;
        value = trimmed(value.substr(1));
    }
    if (value.starts_with('"')) {
        if (value.size() < 2 || !value.ends_with('"')) {
            return refused("the quote is not closed");
        }
        value = value.substr(1, value.size() - 2);
    }
    out.text = value;
    return out;
}

Parsed<std::string> unescape_content(std::string_view text) {
    std::string octets;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '|') {
            const std::size_t end = text.find('|', i + 1);
            if (end == std::string_view::npos) {
                return refused("a '|' is not closed; write |7c| for the character itself");
            }
            const auto part = unhex(text.substr(i + 1, end - i - 1));
            if (!part) {
                return refused(part.error());
            }
            octets += *part;
            i = end;
            continue;
        }
        if (text[i] == '\\') {
            if (++i == text.size()) {
                return refused("a '\\' stands at the end; write \\\\ for the character itself");
            }
        }
        octets += text[i];
    }
    return octets;
}

std::vector<std::string_view> split_list(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(at);
        parts.push_back(trimmed(text.substr(0, end)));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

}  // namespace tapmeter::inspect::rules
