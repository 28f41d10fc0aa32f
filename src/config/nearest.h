#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tapmeter::config {

// Longer words are never compared: a misspelt name is short, a hostile one may be megabytes.
inline constexpr std::size_t compared_octets_max = 64;

// How many single letters must be put in, left out, replaced or swapped with their neighbour to
// make `left` into `right` (optimal string alignment distance); case does not count.
// Words longer than compared_octets_max are as far apart as they are long.
std::size_t edit_distance(std::string_view left, std::string_view right);

// The candidate that the misspelt `word` most likely means: the nearest within a third of its
// letters (one at least), else the only one that `word` abbreviates. Nothing when none is close.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates);

// `; did you mean "rx_ring"?` or nothing; made to be put behind a message.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace tapmeter::config
