#include <algorithm>
#include <array>

#include "pipeline/inspect/rules/group.h"
#include "pipeline/inspect/rules/keywords.h"
#include "pipeline/inspect/rules/numbers.h"

// isdataat, byte_test, byte_jump and byte_extract: numbers inside the payload.
namespace tapmeter::inspect::rules {

namespace {

constexpr std::int64_t number_max = 0xFFFF'FFFF;
constexpr std::uint8_t binary_octets_max = 8;
constexpr std::uint8_t text_octets_max = 23;
constexpr std::uint8_t decimal = 10;

Parsed<std::uint64_t> parse_mask(std::string_view text) {
    const auto number = parse_number(text, {"bitmask", 1, number_max});
    return number ? Parsed<std::uint64_t>(static_cast<std::uint64_t>(*number))
                  : refused(number.error());
}

// "multiplier 4" as ("multiplier", "4").
struct Word {
    std::string_view name;
    std::string_view value;
};

Word word_of(std::string_view text) {
    const std::size_t blank = text.find_first_of(" \t");
    return blank == std::string_view::npos
               ? Word{text, {}}
               : Word{text.substr(0, blank), trimmed(text.substr(blank))};
}

// A word that all of the keywords share: true where it was one.
bool read_shared(Reading& reading, std::string_view word) {
    struct Base {
        std::string_view name;
        std::uint8_t base;
    };
    constexpr std::array bases{Base{"string", decimal}, Base{"dec", decimal}, Base{"hex", 16},
                               Base{"oct", 8}};
    if (word == "relative") {
        reading.relative = true;
    } else if (word == "little" || word == "big") {
        reading.little_endian = word == "little";
    } else {
        const auto* const base = std::ranges::find(bases, word, &Base::name);
        if (base == bases.end()) {
            return false;
        }
        reading.base = base->base;
    }
    return true;
}

Parsed<void> check_reading(const Reading& reading) {
    const unsigned most = reading.base == 0 ? binary_octets_max : text_octets_max;
    if (reading.octets > most) {
        return refused(std::to_string(reading.octets) + " octets are too many: at most " +
                       std::to_string(most) + (reading.base == 0 ? " without string" : ""));
    }
    return {};
}

Parsed<std::uint8_t> parse_octets(std::string_view text) {
    const auto number = parse_number(text, {"the number of octets", 0, text_octets_max});
    return number ? Parsed<std::uint8_t>(static_cast<std::uint8_t>(*number))
                  : refused(number.error());
}

Parsed<void> unknown_word(std::string_view word, std::string_view keyword) {
    return refused("\"" + std::string(word) + "\" is no word of " + std::string(keyword) +
                   " that is supported");
}

void add(Draft& draft, const Condition& condition) {
    if (is_relative(condition)) {
        add_relative(draft, condition);
    } else {
        add_condition(draft, condition);
    }
}

Parsed<void> is_data_at(Draft& draft, const Option& option) {
    DataAt made;
    const auto parts = split_list(option.value);
    std::string_view number = parts[0];
    if (number.starts_with('!')) {
        made.negated = true;
        number = trimmed(number.substr(1));
    }
    const auto operand = parse_operand(draft, number, "isdataat");
    if (!operand) {
        return refused(operand.error());
    }
    made.distance = *operand;
    for (std::size_t i = 1; i < parts.size(); ++i) {
        if (parts[i] == "relative") {
            made.relative = true;
        } else if (parts[i] != "rawbytes") {
            return unknown_word(parts[i], option.keyword);
        }
    }
    add(draft, made);
    return {};
}

Parsed<void> read_comparison(ByteTest& test, std::string_view text) {
    struct Sign {
        std::string_view text;
        ByteTest::Comparison comparison;
    };
    using enum ByteTest::Comparison;
    constexpr std::array signs{Sign{"<=", less_or_equal}, Sign{">=", greater_or_equal},
                               Sign{"<", less},           Sign{">", greater},
                               Sign{"=", equal},          Sign{"&", bits},
                               Sign{"^", exclusive_or}};
    if (text.starts_with('!')) {
        test.negated = true;
        text = trimmed(text.substr(1));
    }
    if (text.empty() && test.negated) {
        text = "=";  // "!" alone
    }
    const auto* const sign = std::ranges::find(signs, text, &Sign::text);
    if (sign == signs.end()) {
        return refused("\"" + std::string(text) + "\" is no comparison: use < > = <= >= & ^");
    }
    test.comparison = sign->comparison;
    return {};
}

Parsed<void> byte_test(Draft& draft, const Option& option) {
    const auto parts = split_list(option.value);
    if (parts.size() < 4) {
        return refused("byte_test needs octets, comparison, value and offset");
    }
    ByteTest made;
    const auto octets = parse_octets(parts[0]);
    const auto value = parse_operand(draft, parts[2], "byte_test's value");
    const auto offset = parse_operand(draft, parts[3], "byte_test's offset");
    if (!octets || !value || !offset) {
        return refused(!octets ? octets.error() : !value ? value.error() : offset.error());
    }
    made.reading.octets = *octets;
    made.reading.offset = *offset;
    made.value = *value;
    if (auto done = read_comparison(made, parts[1]); !done) {
        return done;
    }
    for (std::size_t i = 4; i < parts.size(); ++i) {
        const Word word = word_of(parts[i]);
        if (word.name == "bitmask") {
            const auto mask = parse_mask(word.value);
            if (!mask) {
                return refused(mask.error());
            }
            made.mask = *mask;
        } else if (!read_shared(made.reading, word.name)) {
            return unknown_word(word.name, option.keyword);
        }
    }
    if (auto done = check_reading(made.reading); !done) {
        return done;
    }
    add(draft, made);
    return {};
}

Parsed<void> read_jump_word(ByteJump& jump, const Word& word) {
    if (word.name == "align") {
        jump.align = true;
    } else if (word.name == "from_beginning") {
        jump.from_beginning = true;
    } else if (word.name == "from_end") {
        jump.from_end = true;
    } else if (word.name == "multiplier") {
        const auto number = parse_number(word.value, {"multiplier", 1, 0xFFFF});
        if (!number) {
            return refused(number.error());
        }
        jump.multiplier = static_cast<std::uint32_t>(*number);
    } else if (word.name == "post_offset") {
        const auto number = parse_number(word.value, {"post_offset", -0xFFFF, 0xFFFF});
        if (!number) {
            return refused(number.error());
        }
        jump.post_offset = static_cast<std::int32_t>(*number);
    } else if (word.name == "bitmask") {
        const auto mask = parse_mask(word.value);
        if (!mask) {
            return refused(mask.error());
        }
        jump.mask = *mask;
    } else if (!read_shared(jump.reading, word.name)) {
        return unknown_word(word.name, "byte_jump");
    }
    return {};
}

Parsed<void> byte_jump(Draft& draft, const Option& option) {
    const auto parts = split_list(option.value);
    if (parts.size() < 2) {
        return refused("byte_jump needs octets and offset");
    }
    ByteJump made;
    const auto length = parse_operand(draft, parts[0], "byte_jump's octets");
    const auto offset = parse_operand(draft, parts[1], "byte_jump's offset");
    if (!length || !offset) {
        return refused(!length ? length.error() : offset.error());
    }
    made.length_variable = length->variable;
    made.reading.offset = *offset;
    if (!length->is_variable()) {
        const auto octets = parse_octets(parts[0]);
        if (!octets) {
            return refused(octets.error());
        }
        made.reading.octets = *octets;
    }
    for (std::size_t i = 2; i < parts.size(); ++i) {
        if (auto done = read_jump_word(made, word_of(parts[i])); !done) {
            return done;
        }
    }
    if (made.from_beginning && made.from_end) {
        return refused("byte_jump cannot go from_beginning and from_end at once");
    }
    if (auto done = check_reading(made.reading); !done) {
        return done;
    }
    add(draft, made);
    return {};
}

Parsed<void> read_extract_word(ByteExtract& extract, const Word& word) {
    if (word.name == "align" || word.name == "multiplier") {
        const bool align = word.name == "align";
        const auto number =
            parse_number(word.value, {word.name, align ? 2 : 1, align ? 4 : 0xFFFF});
        if (!number) {
            return refused(number.error());
        }
        if (align) {
            extract.align = static_cast<std::uint8_t>(*number);
        } else {
            extract.multiplier = static_cast<std::uint32_t>(*number);
        }
        return {};
    }
    return read_shared(extract.reading, word.name) ? Parsed<void>{}
                                                   : unknown_word(word.name, "byte_extract");
}

Parsed<void> byte_extract(Draft& draft, const Option& option) {
    const auto parts = split_list(option.value);
    if (parts.size() < 3 || parts[2].empty()) {
        return refused("byte_extract needs octets, offset and a name");
    }
    if (draft.extracted.size() >= variables_per_rule_max) {
        return refused("the rule has more than " + std::to_string(variables_per_rule_max) +
                       " byte_extract");
    }
    ByteExtract made;
    const auto octets = parse_octets(parts[0]);
    const auto offset = parse_operand(draft, parts[1], "byte_extract's offset");
    if (!octets || !offset) {
        return refused(!octets ? octets.error() : offset.error());
    }
    made.reading.octets = *octets;
    made.reading.offset = *offset;
    for (std::size_t i = 3; i < parts.size(); ++i) {
        if (auto done = read_extract_word(made, word_of(parts[i])); !done) {
            return done;
        }
    }
    if (auto done = check_reading(made.reading); !done) {
        return done;
    }
    made.variable = static_cast<std::uint8_t>(draft.extracted.size());
    draft.extracted.emplace_back(parts[2]);
    add(draft, made);
    return {};
}

constexpr std::array keywords{
    Keyword{"isdataat", is_data_at},
    Keyword{"byte_test", byte_test},
    Keyword{"byte_jump", byte_jump},
    Keyword{"byte_extract", byte_extract},
};

}  // namespace

bool is_relative(const Condition& condition) noexcept {
    struct Visitor {
        bool operator()(const Content& content) const noexcept { return content.relative(); }
        bool operator()(const Regex& regex) const noexcept { return regex.relative; }
        bool operator()(const DataAt& test) const noexcept { return test.relative; }
        bool operator()(const ByteTest& test) const noexcept { return test.reading.relative; }
        bool operator()(const ByteJump& jump) const noexcept { return jump.reading.relative; }
        bool operator()(const ByteExtract& read) const noexcept { return read.reading.relative; }
        bool operator()(const SizeIs& /*size*/) const noexcept { return false; }
    };
    return std::visit(Visitor{}, condition);
}

std::span<const Keyword> octet_keywords() noexcept {
    return keywords;
}

}  // namespace tapmeter::inspect::rules
