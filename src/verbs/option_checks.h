#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "src/config/check.h"
#include "src/config/nearest.h"
#include "src/config/quantity.h"

namespace tapmeter::verbs {

// Checks for CLI11: each answers with what is wrong, or with an empty text.

// `parse` gives a Result-like value whose error says what the text must be.
template <class Parse>
auto checked_by(const Parse& parse) {
    return [parse](const std::string& text) {
        const auto value = parse(text);
        return value ? std::string() : config::shortened(text) + ": must be " + value.error();
    };
}

// "text|json|csv"
inline std::string joined(std::span<const std::string_view> words, std::string_view joint) {
    std::string text;
    for (const std::string_view word : words) {
        text += text.empty() ? "" : joint;
        text += word;
    }
    return text;
}

inline std::string choice_fault(std::span<const std::string_view> words, const std::string& text) {
    return std::ranges::count(words, text) != 0
               ? std::string()
               : config::shortened(text) + ": must be " + joined(words, ", ") +
                     config::did_you_mean(text, words);
}

inline std::string duration_fault(const std::string& text) {
    return config::parse_duration(text)
               ? std::string()
               : "\"" + text + "\": must be a duration such as \"500ms\", \"30s\" or \"5m\"";
}

// As the key `dedup` of [[capture]].
inline std::string window_fault(const std::string& text) {
    constexpr std::chrono::milliseconds longest{10};
    const auto window = config::parse_duration(text);
    return window && *window <= longest ? std::string()
                                        : "\"" + text + "\": must be a duration of 0s to 10ms";
}

}  // namespace tapmeter::verbs
