#include "src/config/nearest.h"

#include <algorithm>
#include <array>

namespace tapmeter::config {

namespace {

constexpr std::size_t abbreviation_letters_min = 3;

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool starts_with(std::string_view word, std::string_view beginning) {
    return word.size() >= beginning.size() &&
           std::ranges::equal(word.substr(0, beginning.size()), beginning, {}, lower, lower);
}

std::optional<std::string_view> abbreviated(std::string_view word,
                                            std::span<const std::string_view> candidates) {
    const auto meant = [word](std::string_view candidate) { return starts_with(candidate, word); };
    if (word.size() < abbreviation_letters_min || std::ranges::count_if(candidates, meant) != 1) {
        return std::nullopt;
    }
    return *std::ranges::find_if(candidates, meant);
}

}  // namespace

std::size_t edit_distance(std::string_view left, std::string_view right) {
    if (std::max(left.size(), right.size()) > compared_octets_max) {
        return std::max(left.size(), right.size());
    }
    // Three rows of the usual table: a swap of neighbours looks back two rows.
    using Row = std::array<std::size_t, compared_octets_max + 1>;
    Row before{};
    Row above{};
    Row row{};
    for (std::size_t j = 0; j <= right.size(); ++j) {
        above[j] = j;
    }
    for (std::size_t i = 1; i <= left.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const bool same = lower(left[i - 1]) == lower(right[j - 1]);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0U : 1U)});
            const bool swapped = i > 1 && j > 1 && lower(left[i - 1]) == lower(right[j - 2]) &&
                                 lower(left[i - 2]) == lower(right[j - 1]);
            row[j] = swapped ? std::min(row[j], before[j - 2] + 1) : row[j];
        }
        before = above;
        above = row;
    }
    return above[right.size()];
}

std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates) {
    if (word.empty() || word.size() > compared_octets_max || candidates.empty()) {
        return std::nullopt;
    }
    const std::size_t tolerated = std::max<std::size_t>(1, word.size() / 3);
    const auto best = std::ranges::min_element(candidates, {}, [word](std::string_view candidate) {
        return edit_distance(word, candidate);
    });
    const std::size_t distance = edit_distance(word, *best);
    if (distance <= tolerated && distance < word.size()) {
        return *best;
    }
    return abbreviated(word, candidates);
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
    const auto meant = nearest(word, candidates);
    return meant ? "; did you mean \"" + std::string(*meant) + "\"?" : std::string();
}

}  // namespace tapmeter::config
