#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/inspect/rules/address_set.h"

// The grammar that addresses and ports share: items, '!' before an item or a group, groups in
// brackets, variables.
namespace tapmeter::inspect::rules {

constexpr std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view blanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Cuts at the commas that stand in no bracket.
std::vector<std::string_view> split_group(std::string_view text);

// The value of "$NAME".
Parsed<std::string_view> value_of(std::string_view reference, Variables variables);

// Wanted and unwanted ranges as they are met, and whether "any" was among the wanted.
template <class Range>
struct Group {
    std::vector<Range> wanted;
    std::vector<Range> unwanted;
    bool any = false;
};

// Reads groups into sets. `leaf` reads one item: Parsed<Range>(std::string_view). Recursive over
// brackets and variables, which nesting_max bounds.
template <class Set, class Leaf>
class GroupReader {
public:
    using Range = typename Set::Range;

    GroupReader(Variables variables, Leaf leaf) : variables_(variables), leaf_(leaf) {}

    Parsed<void> read(std::string_view text, bool negated, unsigned depth) {
        if (depth > nesting_max) {
            return refused("groups and variables are nested deeper than " +
                           std::to_string(nesting_max) + " levels");
        }
        text = trimmed(text);
        while (text.starts_with('!')) {
            negated = !negated;
            text = trimmed(text.substr(1));
        }
        if (negated && (text.starts_with('$') || text.starts_with('['))) {
            return read_negated(text, depth);
        }
        if (text.starts_with('$')) {
            const auto value = value_of(text, variables_);
            return value ? read(*value, false, depth + 1) : refused(value.error());
        }
        if (text.starts_with('[')) {
            return read_group(text, depth);
        }
        return read_leaf(text, negated);
    }

    // What was read; all where nothing was wanted.
    Set settled() {
        if (group_.any) {
            group_.wanted.clear();
        }
        return Set::of(group_.wanted, group_.unwanted);
    }

private:
    // Everything but what the group means, its own exceptions counted.
    Parsed<void> read_negated(std::string_view text, unsigned depth) {
        GroupReader inner{variables_, leaf_};
        if (auto done = inner.read(text, false, depth + 1); !done) {
            return done;
        }
        const Set set = inner.settled();
        if (set.is_any()) {
            return refused("!" + std::string(text) + " matches nothing, as " + std::string(text) +
                           " is any; name what is wanted");
        }
        group_.unwanted.insert(group_.unwanted.end(), set.ranges().begin(), set.ranges().end());
        return {};
    }

    Parsed<void> read_group(std::string_view text, unsigned depth) {
        if (!text.ends_with(']')) {
            return refused("the group " + std::string(text) + " has no closing ']'");
        }
        for (const std::string_view item : split_group(text.substr(1, text.size() - 2))) {
            if (auto done = read(item, false, depth + 1); !done) {
                return done;
            }
        }
        return {};
    }

    Parsed<void> read_leaf(std::string_view text, bool negated) {
        if (text == "any") {
            if (negated) {
                return refused("!any matches nothing; name what is wanted");
            }
            group_.any = true;
            return {};
        }
        const auto range = leaf_(text);
        if (!range) {
            return refused(range.error());
        }
        auto& to = negated ? group_.unwanted : group_.wanted;
        if (to.size() >= ranges_max) {
            return refused("the group has more than " + std::to_string(ranges_max) + " items");
        }
        to.push_back(*range);
        return {};
    }

    Variables variables_;
    Leaf leaf_;
    Group<Range> group_;
};

}  // namespace tapmeter::inspect::rules
