#include "pipeline/inspect/rules/numbers.h"

#include <charconv>
#include <string>

#include "pipeline/inspect/rules/group.h"

namespace tapmeter::inspect::rules {

namespace {

Parsed<Bounds> between(std::int64_t low, std::int64_t high, std::string_view text) {
    if (high < low) {
        return refused("the range " + std::string(text) + " holds no number");
    }
    return Bounds{static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high)};
}

// `low` and `high` of "low MARK high", moved inwards where the ends are left out.
Parsed<Bounds> parse_range(std::string_view text, std::string_view mark, const Limits& limits) {
    const std::size_t at = text.find(mark);
    const auto low = parse_number(trimmed(text.substr(0, at)), limits);
    const auto high = parse_number(trimmed(text.substr(at + mark.size())), limits);
    if (!low || !high) {
        return refused(low ? high.error() : low.error());
    }
    const std::int64_t inwards = mark == "<>" ? 1 : 0;
    return between(*low + inwards, *high - inwards, text);
}

}  // namespace

Parsed<std::int64_t> parse_number(std::string_view text, const Limits& limits) {
    std::int64_t number = 0;
    std::string_view digits = text;
    int base = 10;
    if (digits.starts_with("0x") || digits.starts_with("0X")) {
        digits.remove_prefix(2);
        base = 16;
    } else if (digits.starts_with('+')) {
        digits.remove_prefix(1);
    }
    const char* const end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, number, base);
    if (error != std::errc{} || rest != end || number < limits.least || number > limits.most) {
        return refused(std::string(limits.what) + " is \"" + std::string(text) +
                       "\": must be a whole number from " + std::to_string(limits.least) + " to " +
                       std::to_string(limits.most));
    }
    return number;
}

Parsed<Bounds> parse_bounds(std::string_view text, const Limits& limits) {
    text = trimmed(text);
    if (text.find("<>") != std::string_view::npos) {
        return parse_range(text, "<>", limits);
    }
    if (text.find('-', 1) != std::string_view::npos) {
        return parse_range(text, "-", limits);
    }
    struct Sign {
        std::string_view mark;
        std::int64_t low_step;  // from the number; 0 below: the range begins at the least
        std::int64_t high_step;
        bool open_low;
        bool open_high;
        bool negated;
    };
    constexpr std::array signs{
        Sign{">=", 0, 0, false, true, false}, Sign{"<=", 0, 0, true, false, false},
        Sign{">", 1, 0, false, true, false},  Sign{"<", 0, -1, true, false, false},
        Sign{"!", 0, 0, false, false, true},  Sign{"=", 0, 0, false, false, false},
        Sign{"", 0, 0, false, false, false},
    };
    const auto* const sign =
        std::ranges::find_if(signs, [text](const Sign& s) { return text.starts_with(s.mark); });
    const auto number = parse_number(trimmed(text.substr(sign->mark.size())), limits);
    if (!number) {
        return refused(number.error());
    }
    auto bounds = between(sign->open_low ? limits.least : *number + sign->low_step,
                          sign->open_high ? limits.most : *number + sign->high_step, text);
    if (bounds) {
        bounds->negated = sign->negated;
    }
    return bounds;
}

}  // namespace tapmeter::inspect::rules
