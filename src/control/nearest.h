#pragma once

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace tapmeter::control {

// How many characters must be inserted, removed or replaced to make one word of the other.
inline std::size_t edit_distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < from.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < to.size(); ++j) {
            const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
        }
    }
    return row.back();
}

// "did you mean "output"?", or the whole list where nothing known is near. Words longer than any
// that is known are not compared, so a hostile one costs nothing.
template <class Words>
std::string did_you_mean(std::string_view word, const Words& known) {
    constexpr std::size_t word_max = 32;
    constexpr std::size_t edits_max = 2;
    std::string list;
    std::string_view nearest;
    std::size_t nearest_distance = edits_max + 1;
    for (const std::string_view candidate : known) {
        list += list.empty() ? "" : ", ";
        list += candidate;
        if (word.size() > word_max) {
            continue;
        }
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < nearest_distance) {
            nearest = candidate;
            nearest_distance = distance;
        }
    }
    return nearest.empty() ? "known: " + list : "did you mean \"" + std::string(nearest) + "\"?";
}

}  // namespace tapmeter::control
