#include "src/config/check.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "src/config/address.h"
#include "src/config/push_address.h"
#include "src/config/quantity.h"
#include "src/config/server_address.h"
#include "src/config/toml_text.h"
#include "src/fields/filter.h"
#include "src/fields/selection.h"
#include "src/filters/compile.h"

namespace tapmeter::config {

namespace {

using Kind = TomlNode::Kind;

constexpr std::size_t shown_octets_max = 80;         // of a wrong value, in a message
constexpr std::size_t file_name_octets_max = 4'095;  // PATH_MAX, less the final NUL
constexpr std::uint64_t port_max = 65'535;

bool is_printable(std::string_view text) {
    return std::ranges::none_of(
        text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

std::string shown(const TomlNode& node) {
    switch (node.kind) {
        case Kind::boolean:
            return node.boolean ? "true" : "false";
        case Kind::integer:
            return std::to_string(node.integer);
        case Kind::text:
            return shortened(node.text);
        case Kind::real: {
            std::array<char, 40> digits{};
            return {digits.data(), std::to_chars(digits.begin(), digits.end(), node.real).ptr};
        }
        case Kind::date:
            return "a date or time";
        case Kind::list:
            return "a list";
        case Kind::table:
            return "a table";
    }
    return {};
}

tl::unexpected<Fault> refused(const Key& key, const TomlNode& node, const std::string& must) {
    return tl::unexpected<Fault>(
        Fault{node.at, std::string(key.name) + " = " + shown(node) + ": must be " + must});
}

bool is_inside(const Key& key, std::uint64_t number) {
    return number >= key.min && number <= key.max &&
           (!key.traits.power_of_two || std::has_single_bit(number));
}

// A whole number that stands there as such, or as a text with a unit: quotes around bare digits
// are a wrong type.
std::optional<std::uint64_t> quantity_of(const Key& key, const TomlNode& node) {
    if (node.kind == Kind::integer && node.integer >= 0 && key.type != Type::duration) {
        return static_cast<std::uint64_t>(node.integer);
    }
    const bool bare = !node.text.empty() && node.text.back() >= '0' && node.text.back() <= '9';
    if (node.kind != Kind::text || bare) {
        return std::nullopt;
    }
    if (key.type == Type::duration) {
        const auto duration = parse_duration(node.text);
        return duration ? std::optional(static_cast<std::uint64_t>(duration->count()))
                        : std::nullopt;
    }
    return key.type == Type::size ? parse_size(node.text) : parse_count(node.text);
}

tl::expected<Value, Fault> check_quantity(const Key& key, const TomlNode& node) {
    if (key.traits.automatic && node.kind == Kind::text && node.text == "auto") {
        return Value{std::uint64_t{0}};
    }
    const auto quantity = quantity_of(key, node);
    constexpr std::uint64_t second = 1'000;
    if (!quantity || !is_inside(key, *quantity) ||
        (key.traits.whole_seconds && *quantity % second != 0)) {
        return refused(key, node, rule(key));
    }
    return Value{*quantity};
}

tl::expected<Value, Fault> check_choice(const Key& key, const TomlNode& node) {
    const auto word = std::ranges::find(key.words, node.text);
    const bool unused = word != key.words.end() && word->empty() && word != key.words.begin();
    if (node.kind != Kind::text || word == key.words.end() || unused) {
        return refused(key, node, rule(key));
    }
    return Value{static_cast<std::uint64_t>(word - key.words.begin())};
}

tl::expected<Value, Fault> check_cores(const Key& key, const TomlNode& node) {
    if (node.kind != Kind::text) {
        return refused(key, node, rule(key));
    }
    if (node.text == "auto") {
        return Value{std::vector<std::uint64_t>{}};
    }
    const auto cores = parse_cores(node.text, key.max);
    if (!cores) {
        return refused(key, node, cores.error());
    }
    return Value{std::vector<std::uint64_t>(cores->begin(), cores->end())};
}

// What the text must be instead; nothing when it is fine.
std::optional<std::string> text_fault(const Key& key, const std::string& text) {
    const auto rule_unless = [&key](bool fits) {
        return fits ? std::nullopt : std::optional(rule(key));
    };
    const auto error_of = [](const auto& checked) {
        return checked ? std::nullopt : std::optional(checked.error());
    };
    switch (key.type) {
        case Type::name:
            return rule_unless(is_name(text));
        case Type::source:
            return error_of(parse_source(text));
        case Type::collector:
            return error_of(parse_collector(text));
        case Type::listen:
            return error_of(parse_listen(text));
        case Type::http_url:
            return error_of(parse_http_url(text));
        case Type::brokers:
            return error_of(parse_brokers(text));
        case Type::file:
            return error_of(parse_lines(text));
        case Type::path:
            return rule_unless(text == "off" || (text.starts_with('/') && text.size() <= key.max &&
                                                 is_printable(text)));
        case Type::group:
            return rule_unless(is_group_name(text));
        case Type::filter:
            return error_of(fields::parse_filter(text));
        case Type::packet_filter:
            return error_of(filters::compile(text, filters::Tags::through));
        case Type::packet_filter_raw:
            return error_of(filters::compile(text, filters::Tags::raw));
        case Type::prefixes:
            return rule_unless(is_prefix(text));
        case Type::secret:
            return rule_unless(text.size() <= file_name_octets_max && is_printable(text));
        case Type::push_url:
            return text.empty() ? std::nullopt : error_of(parse_push_url(text));
        default:
            return rule_unless(!text.empty() && text.size() <= file_name_octets_max &&
                               is_printable(text));
    }
}

// One spelling for what means the same: "udp://host" is "udp://host:4739".
std::string canonical(const Key& key, const std::string& text) {
    const auto collector = parse_collector(key.type == Type::collector ? text : std::string());
    const auto listen = parse_listen(key.type == Type::listen ? text : std::string());
    return collector ? collector_text(*collector) : listen ? listen_text(*listen) : text;
}

tl::expected<Value, Fault> check_one_text(const Key& key, const TomlNode& node) {
    if (node.kind != Kind::text) {
        return refused(key, node, rule(key));
    }
    if (auto must = text_fault(key, node.text)) {
        return refused(key, node, *must);
    }
    const bool none = (key.traits.automatic && node.text == "auto") ||
                      (key.type == Type::path && node.text == "off");
    return Value{none ? std::string() : canonical(key, node.text)};
}

tl::unexpected<Fault> refused_item(const Key& key, const TomlNode& item, std::string_view must) {
    return tl::unexpected<Fault>(Fault{item.at, std::string(key.name) + " holds " + shown(item) +
                                                    ": every item must be " + std::string(must)});
}

std::string_view item_rule(const Key& key) {
    return key.type == Type::prefixes ? "an address or a prefix such as \"10.1.0.0/24\""
                                      : "a text, not empty, of printable characters";
}

tl::expected<Value, Fault> check_texts(const Key& key, const TomlNode& node) {
    std::vector<std::string> texts;
    texts.reserve(node.items.size());
    for (const TomlNode& item : node.items) {
        if (item.kind != Kind::text || text_fault(key, item.text)) {
            return refused_item(key, item, item_rule(key));
        }
        texts.push_back(item.text);
    }
    return Value{std::move(texts)};
}

// Every word must be a field, and every flow must have one.
tl::expected<Value, Fault> check_fields(const Key& key, const TomlNode& node) {
    auto texts = check_texts(key, node);
    if (!texts || node.items.empty()) {
        return texts;
    }
    const auto& words = std::get<std::vector<std::string>>(*texts);
    const auto items = fields::parse_words(words, fields::TimeUnit::milliseconds);
    if (!items) {
        return refused_item(key, node.items[items.error().word], items.error().must);
    }
    return texts;
}

tl::expected<Value, Fault> check_ports(const Key& key, const TomlNode& node) {
    std::vector<std::uint64_t> ports;
    ports.reserve(node.items.size());
    for (const TomlNode& item : node.items) {
        const auto number = static_cast<std::uint64_t>(item.integer);  // negative: far too large
        if (item.kind != Kind::integer || number == 0 || number > port_max) {
            return refused_item(key, item, "a port number from 1 to 65535");
        }
        ports.push_back(number);
    }
    return Value{std::move(ports)};
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    const std::size_t last = text.find_last_not_of(" \t");
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, last - first + 1);
}

// Takes one pair of TOML's quotes off, which people copy from the file.
std::string_view unquoted(std::string_view text) {
    text = trimmed(text);
    const bool quotes = text.size() >= 2 && text.front() == text.back() &&
                        (text.front() == '"' || text.front() == '\'');
    return quotes ? text.substr(1, text.size() - 2) : text;
}

// A text as TOML would have said it: digits are a number where the key wants one.
TomlNode scalar_of(const Key& key, std::string_view text) {
    TomlNode node;
    const bool number =
        key.type == Type::number || key.type == Type::size || key.type == Type::ports;
    text = unquoted(text);
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, node.integer);
    if (number && error == std::errc{} && rest == end) {
        node.kind = Kind::integer;
    } else if (key.type == Type::flag && (text == "true" || text == "false")) {
        node.kind = Kind::boolean;
        node.boolean = text == "true";
    } else {
        node.text = text;
    }
    return node;
}

TomlNode list_of(const Key& key, std::string_view text) {
    TomlNode node;
    node.kind = Kind::list;
    text = trimmed(text);
    if (text.starts_with('[') && text.ends_with(']')) {
        text = trimmed(text.substr(1, text.size() - 2));
    }
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        node.items.push_back(scalar_of(key, text.substr(0, comma)));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return node;
}

bool is_list(const Key& key) {
    return key.type == Type::texts || key.type == Type::fields || key.type == Type::ports ||
           key.type == Type::prefixes;
}

template <class Items, class Text>
std::string joined(const Items& items, const Text& text_of) {
    std::string text = "[";
    for (const auto& item : items) {
        text += (text.size() == 1 ? "" : ", ") + text_of(item);
    }
    return text + "]";
}

std::string number_text(const Key& key, std::uint64_t number) {
    switch (key.type) {
        case Type::size:
            return in_quotes(size_text(number));
        case Type::duration:
            return in_quotes(
                duration_text(std::chrono::milliseconds{static_cast<std::int64_t>(number)}));
        case Type::choice:
            return in_quotes(key.words.at(number));
        default:
            return number == 0 && key.traits.automatic ? "\"auto\"" : std::to_string(number);
    }
}

}  // namespace

tl::expected<Value, Fault> check_node(const Key& key, const TomlNode& node) {
    if (is_list(key)) {
        if (node.kind != Kind::list || node.items.size() > key.max) {
            return refused(key, node, rule(key));
        }
        return key.type == Type::ports    ? check_ports(key, node)
               : key.type == Type::fields ? check_fields(key, node)
                                          : check_texts(key, node);
    }
    switch (key.type) {
        case Type::flag:
            if (node.kind != Kind::boolean) {
                return refused(key, node, rule(key));
            }
            return Value{node.boolean};
        case Type::number:
        case Type::size:
        case Type::duration:
            return check_quantity(key, node);
        case Type::choice:
            return check_choice(key, node);
        case Type::cores:
            return check_cores(key, node);
        default:
            return check_one_text(key, node);
    }
}

tl::expected<Value, Fault> check_text(const Key& key, std::string_view text) {
    // A file has been looked over as a whole; an argument or a variable may hold any octets.
    if (const auto fault = find_text_fault(text)) {
        return tl::unexpected<Fault>(Fault{{}, std::string(key.name) + ": " + fault->message});
    }
    return check_node(key, is_list(key) ? list_of(key, text) : scalar_of(key, text));
}

std::string toml_text(const Key& key, const Value& value) {
    if (const auto* flag = std::get_if<bool>(&value); flag != nullptr) {
        return key.type == Type::choice ? in_quotes(key.words.at(*flag ? 1 : 0))
                                        : std::string(*flag ? "true" : "false");
    }
    if (const auto* number = std::get_if<std::uint64_t>(&value); number != nullptr) {
        return number_text(key, *number);
    }
    if (const auto* texts = std::get_if<std::vector<std::string>>(&value); texts != nullptr) {
        return joined(*texts, [](const std::string& text) { return in_quotes(text); });
    }
    if (const auto* numbers = std::get_if<std::vector<std::uint64_t>>(&value); numbers != nullptr) {
        if (key.type == Type::cores) {
            return in_quotes(numbers->empty() ? "auto" : cores_text(*numbers));
        }
        return joined(*numbers, [](std::uint64_t number) { return std::to_string(number); });
    }
    const auto& text = std::get<std::string>(value);
    const bool automatic = text.empty() && key.traits.automatic;
    const bool off = text.empty() && key.type == Type::path;
    return automatic ? "\"auto\"" : in_quotes(off ? "off" : text);
}

std::string in_quotes(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (octet < ' ' || octet == 0x7f) {
            out += {'\\', 'u', '0', '0', digits[octet >> 4U], digits[octet & 15U]};
        } else {
            out += c;
        }
    }
    return out + "\"";
}

std::string shortened(std::string_view text) {
    if (text.size() <= shown_octets_max) {
        return in_quotes(text);
    }
    std::size_t octets = shown_octets_max;
    while (octets > 0 && (static_cast<unsigned char>(text[octets]) & 0xC0U) == 0x80U) {
        --octets;  // not through the middle of a UTF-8 character
    }
    return in_quotes(text.substr(0, octets)) + "...";
}

}  // namespace tapmeter::config
