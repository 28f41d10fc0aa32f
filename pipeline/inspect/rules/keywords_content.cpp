#include <algorithm>
#include <array>

#include "pipeline/inspect/rules/group.h"
#include "pipeline/inspect/rules/keywords.h"
#include "pipeline/inspect/rules/numbers.h"

namespace tapmeter::inspect::rules {

namespace {

constexpr std::int64_t position_max = 0xFFFF;

char to_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

Content* last_content(Draft& draft) {
    if (!draft.last_content) {
        return nullptr;
    }
    auto& conditions = conditions_of(draft, draft.last_content->buffer).conditions;
    return std::get_if<Content>(&conditions.at(draft.last_content->index));
}

Parsed<void> without_content(const Option& option) {
    return refused(std::string(option.keyword) + " stands before any content that it could modify");
}

Parsed<void> content(Draft& draft, const Option& option) {
    const auto quoted = unquote(option.value);
    if (!quoted) {
        return refused(quoted.error());
    }
    auto octets = unescape_content(quoted->text);
    if (!octets) {
        return refused(octets.error());
    }
    if (octets->empty() || octets->size() > content_octets_max) {
        return refused("the content has " + std::to_string(octets->size()) +
                       " octets: must have 1 to " + std::to_string(content_octets_max));
    }
    if (++draft.contents > contents_per_rule_max) {
        return refused("the rule has more than " + std::to_string(contents_per_rule_max) +
                       " contents");
    }
    Content made;
    made.octets = std::move(*octets);
    made.negated = quoted->negated;
    add_condition(draft, std::move(made));
    draft.last_content =
        Draft::LastContent{draft.sticky, conditions_of(draft, draft.sticky).conditions.size() - 1};
    return {};
}

Parsed<void> nocase(Draft& draft, const Option& option) {
    Content* const last = last_content(draft);
    if (last == nullptr) {
        return without_content(option);
    }
    last->nocase = true;
    std::ranges::transform(last->octets, last->octets.begin(), to_lower);
    return {};
}

Parsed<void> raw_octets(Draft& draft, const Option& option) {
    // Payloads are looked at as they crossed the wire; there is nothing to turn off.
    return last_content(draft) == nullptr ? without_content(option) : Parsed<void>{};
}

// offset, depth, distance, within: where the match may lie.
Parsed<void> position(Draft& draft, const Option& option) {
    Content* const last = last_content(draft);
    if (last == nullptr) {
        return without_content(option);
    }
    const auto operand = parse_operand(draft, option.value, option.keyword);
    if (!operand) {
        return refused(operand.error());
    }
    const bool may_be_negative = option.keyword == "distance";
    const auto size = static_cast<std::int64_t>(last->octets.size());
    const bool is_length = option.keyword == "depth" || option.keyword == "within";
    const std::int64_t least = may_be_negative ? -position_max : is_length ? size : 0;
    if (!operand->is_variable() && (operand->value < least || operand->value > position_max)) {
        return refused(std::string(option.keyword) + " is " + std::to_string(operand->value) +
                       ": must be " + std::to_string(least) + " to " +
                       std::to_string(position_max) +
                       (is_length ? ", no shorter than its content" : ""));
    }
    auto& place = option.keyword == "offset"     ? last->offset
                  : option.keyword == "depth"    ? last->depth
                  : option.keyword == "distance" ? last->distance
                                                 : last->within;
    place = *operand;
    return {};
}

Parsed<void> starts_with(Draft& draft, const Option& option) {
    Content* const last = last_content(draft);
    if (last == nullptr) {
        return without_content(option);
    }
    if (last->offset || last->depth || last->relative()) {
        return refused("startswith cannot stand with offset, depth, distance or within");
    }
    last->offset = Operand{0};
    last->depth = Operand{static_cast<std::int64_t>(last->octets.size())};
    return {};
}

Parsed<void> ends_with(Draft& draft, const Option& option) {
    Content* const last = last_content(draft);
    if (last == nullptr) {
        return without_content(option);
    }
    last->ends_with = true;
    return {};
}

Parsed<void> fast_pattern(Draft& draft, const Option& option) {
    Content* const last = last_content(draft);
    if (last == nullptr) {
        return without_content(option);
    }
    last->fast_pattern = true;
    // "only": the content's place does not matter to its author; looking again costs little.
    if (option.value.empty() || option.value == "only") {
        return {};
    }
    const auto parts = split_list(option.value);
    const auto size = static_cast<std::int64_t>(last->octets.size());
    if (parts.size() != 2) {
        return refused("fast_pattern takes nothing, only, or offset,length");
    }
    const auto offset = parse_number(parts[0], {"fast_pattern's offset", 0, size - 1});
    const auto length = parse_number(parts[1], {"fast_pattern's length", 1, size});
    if (!offset || !length) {
        return refused(offset ? length.error() : offset.error());
    }
    if (*offset + *length > size) {
        return refused("fast_pattern's part ends behind its content of " + std::to_string(size) +
                       " octets");
    }
    last->fast_offset = static_cast<std::uint16_t>(*offset);
    last->fast_length = static_cast<std::uint16_t>(*length);
    return {};
}

// http_uri and the like behind a content: the content moves to that buffer.
Parsed<void> move_content(Draft& draft, Buffer buffer) {
    if (draft.last_content->buffer == buffer) {
        return {};
    }
    // Made first: making it may move the other.
    conditions_of(draft, buffer);
    auto& from = conditions_of(draft, draft.last_content->buffer).conditions;
    auto& to = conditions_of(draft, buffer).conditions;
    const auto first = from.begin() + static_cast<std::ptrdiff_t>(draft.last_content->index);
    if (!std::all_of(first + 1, from.end(), is_relative)) {
        return refused("another condition stands between the content and " +
                       std::string(name_of(buffer)));
    }
    draft.last_content = Draft::LastContent{buffer, to.size()};
    draft.last_buffer = buffer;
    // What is relative to the content goes with it.
    to.insert(to.end(), std::make_move_iterator(first), std::make_move_iterator(from.end()));
    from.erase(first, from.end());
    return {};
}

Parsed<void> old_modifier(Draft& draft, const Option& option) {
    if (last_content(draft) == nullptr) {
        return without_content(option);
    }
    const BufferName* const name = find_buffer_name(option.keyword);
    return name == nullptr ? refused("no such buffer") : move_content(draft, name->buffer);
}

Parsed<void> uri_content(Draft& draft, const Option& option) {
    auto made = content(draft, option);
    return made ? move_content(draft, Buffer::http_uri) : made;
}

Parsed<void> sticky_buffer(Draft& draft, const Option& option) {
    const BufferName* const name = find_buffer_name(option.keyword);
    if (name == nullptr) {
        return refused("no such buffer");
    }
    draft.sticky = name->buffer;
    draft.last_content.reset();
    return {};
}

Parsed<void> packet_data(Draft& draft, const Option& /*option*/) {
    draft.sticky = Buffer::payload;
    draft.last_content.reset();
    return {};
}

Parsed<void> transform(Draft& draft, const Option& option) {
    if (draft.sticky == Buffer::payload) {
        return refused(std::string(option.keyword) + " must stand behind a buffer's name");
    }
    auto& buffer = conditions_of(draft, draft.sticky);
    if (buffer.transform != Transform::none || !buffer.conditions.empty()) {
        return refused("one transformation a buffer is read, before its contents");
    }
    buffer.transform = option.keyword == "dotprefix"      ? Transform::dot_prefix
                       : option.keyword == "to_lowercase" ? Transform::to_lowercase
                                                          : Transform::strip_whitespace;
    return {};
}

Parsed<void> set_regex_option(Draft& draft, Regex& regex, char letter) {
    struct Flag {
        char letter;
        bool Regex::*member;
    };
    constexpr std::array flags{
        Flag{'i', &Regex::caseless}, Flag{'m', &Regex::multiline},
        Flag{'s', &Regex::dot_all},  Flag{'x', &Regex::extended},
        Flag{'A', &Regex::anchored}, Flag{'E', &Regex::dollar_end_only},
        Flag{'G', &Regex::ungreedy}, Flag{'R', &Regex::relative},
    };
    const auto* const flag = std::ranges::find(flags, letter, &Flag::letter);
    if (flag != flags.end()) {
        regex.*flag->member = true;
        return {};
    }
    if (letter == 'B' || letter == 'O') {
        return {};  // raw octets, as always; match limits, which stay
    }
    const auto buffer = buffer_of_pcre(letter);
    if (!buffer) {
        return refused(std::string("pcre's modifier '") + letter + "' is not supported");
    }
    draft.sticky = *buffer;
    return {};
}

Parsed<void> regex(Draft& draft, const Option& option) {
    const auto quoted = unquote(option.value);
    if (!quoted) {
        return refused(quoted.error());
    }
    const std::string_view text = quoted->text;
    const std::size_t end = text.rfind('/');
    if (!text.starts_with('/') || end == 0 || end == std::string_view::npos) {
        return refused("pcre must read \"/pattern/modifiers\"");
    }
    if (text.find(',', end) != std::string_view::npos) {
        return refused("variables that pcre fills are not supported");
    }
    if (end - 1 > regex_octets_max) {
        return refused("the regular expression is longer than " + std::to_string(regex_octets_max) +
                       " octets");
    }
    if (++draft.contents > contents_per_rule_max) {
        return refused("the rule has more than " + std::to_string(contents_per_rule_max) +
                       " contents");
    }
    Regex made;
    made.pattern = text.substr(1, end - 1);
    made.negated = quoted->negated;
    const Buffer sticky = draft.sticky;
    for (const char letter : text.substr(end + 1)) {
        if (auto done = set_regex_option(draft, made, letter); !done) {
            return done;
        }
    }
    const bool follows = made.relative && draft.sticky == Buffer::payload;
    if (follows) {
        add_relative(draft, std::move(made));
    } else {
        add_condition(draft, std::move(made));
    }
    draft.sticky = sticky;
    return {};
}

Parsed<void> add_size(Draft& draft, Buffer buffer, std::string_view value, std::string_view what) {
    const auto bounds = parse_bounds(value, {what, 0, 0xFFFF'FFFF});
    if (!bounds) {
        return refused(bounds.error());
    }
    conditions_of(draft, buffer).conditions.emplace_back(SizeIs{*bounds});
    return {};
}

Parsed<void> buffer_size(Draft& draft, const Option& option) {
    if (draft.sticky == Buffer::payload) {
        return refused("bsize must stand behind a buffer's name; dsize is for the payload");
    }
    return add_size(draft, draft.sticky, option.value, "bsize");
}

Parsed<void> uri_length(Draft& draft, const Option& option) {
    const auto parts = split_list(option.value);
    if (parts.size() > 2 || (parts.size() == 2 && parts[1] != "norm" && parts[1] != "raw")) {
        return refused("urilen takes a number, and norm or raw behind a comma");
    }
    const bool raw = parts.size() == 2 && parts[1] == "raw";
    return add_size(draft, raw ? Buffer::http_raw_uri : Buffer::http_uri, parts[0], "urilen");
}

// tls.subject, tls.issuerdn and tls.fingerprint: a content in their buffer, said at once.
Parsed<void> tls_content(Draft& draft, const Option& option) {
    const Buffer sticky = draft.sticky;
    draft.sticky = option.keyword == "tls.subject"    ? Buffer::tls_subject
                   : option.keyword == "tls.issuerdn" ? Buffer::tls_issuer
                                                      : Buffer::tls_fingerprint;
    auto made = content(draft, option);
    if (made && draft.sticky == Buffer::tls_fingerprint) {
        made = nocase(draft, option);
    }
    draft.sticky = sticky;
    draft.last_content.reset();
    return made;
}

constexpr std::array keywords{
    Keyword{"content", content},
    Keyword{"uricontent", uri_content},
    Keyword{"nocase", nocase},
    Keyword{"rawbytes", raw_octets},
    Keyword{"offset", position},
    Keyword{"depth", position},
    Keyword{"distance", position},
    Keyword{"within", position},
    Keyword{"startswith", starts_with},
    Keyword{"endswith", ends_with},
    Keyword{"fast_pattern", fast_pattern},
    Keyword{"pcre", regex},
    Keyword{"bsize", buffer_size},
    Keyword{"urilen", uri_length},
    Keyword{"pkt_data", packet_data},
    Keyword{"dotprefix", transform},
    Keyword{"to_lowercase", transform},
    Keyword{"strip_whitespace", transform},
    Keyword{"tls.subject", tls_content},
    Keyword{"tls.issuerdn", tls_content},
    Keyword{"tls.fingerprint", tls_content},
};

constexpr auto buffer_keywords = [] {
    std::array<Keyword, buffer_names.size()> made{};
    for (std::size_t i = 0; i < made.size(); ++i) {
        made[i] = {buffer_names[i].keyword, buffer_names[i].sticky ? sticky_buffer : old_modifier};
    }
    return made;
}();

constexpr auto all_keywords = [] {
    std::array<Keyword, keywords.size() + buffer_keywords.size()> made{};
    std::ranges::copy(keywords, made.begin());
    std::ranges::copy(buffer_keywords, made.begin() + keywords.size());
    return made;
}();

}  // namespace

std::span<const Keyword> content_keywords() noexcept {
    return all_keywords;
}

BufferConditions& conditions_of(Draft& draft, Buffer buffer) {
    auto& all = draft.rule.buffers;
    const auto found = std::ranges::find(all, buffer, &BufferConditions::buffer);
    return found != all.end() ? *found : all.emplace_back(BufferConditions{buffer, {}, {}});
}

void add_condition(Draft& draft, Condition condition) {
    conditions_of(draft, draft.sticky).conditions.push_back(std::move(condition));
    draft.last_buffer = draft.sticky;
}

void add_relative(Draft& draft, Condition condition) {
    const Buffer to = draft.sticky == Buffer::payload ? draft.last_buffer : draft.sticky;
    conditions_of(draft, to).conditions.push_back(std::move(condition));
}

Parsed<Operand> parse_operand(const Draft& draft, std::string_view text, std::string_view what) {
    const auto found = std::ranges::find(draft.extracted, text);
    if (found != draft.extracted.end()) {
        return Operand{0, static_cast<std::uint8_t>(found - draft.extracted.begin())};
    }
    const auto number =
        parse_number(text, {what, std::numeric_limits<std::int32_t>::min(), 0xFFFF'FFFF});
    if (!number) {
        return refused(number.error() + ", or a name that byte_extract gave before");
    }
    return Operand{*number};
}

}  // namespace tapmeter::inspect::rules
