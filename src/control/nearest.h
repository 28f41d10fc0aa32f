#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/config/nearest.h"

namespace tapmeter::control {

// `did you mean "output"?`, or the whole list where nothing known is near.
template <class Words>
std::string did_you_mean(std::string_view word, const Words& known) {
    const std::vector<std::string_view> candidates(known.begin(), known.end());
    if (const auto nearest = config::nearest(word, candidates)) {
        return "did you mean \"" + std::string(*nearest) + "\"?";
    }
    std::string list;
    for (const std::string_view candidate : candidates) {
        list += list.empty() ? "known: " : ", ";
        list += candidate;
    }
    return list;
}

}  // namespace tapmeter::control
