#include "src/machine/core_list.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace tapmeter::machine {

namespace {

std::optional<unsigned> number_of(std::string_view text) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && number <= cores_max ? std::optional(number) : std::nullopt;
}

// "3" or "3-7"
bool add_range(std::string_view text, CoreList& cores) {
    const std::size_t dash = text.find('-');
    const auto first = number_of(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number_of(text.substr(dash + 1));
    if (!first || !last || *last < *first) {
        return false;
    }
    for (unsigned core = *first; core <= *last; ++core) {
        cores.push_back(core);
    }
    return true;
}

}  // namespace

std::optional<CoreList> parse_cores(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
        text.remove_suffix(1);
    }
    CoreList cores;
    if (text.empty() || text == "(null)") {
        return cores;
    }
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        if (!add_range(text.substr(at, comma - at), cores)) {
            return std::nullopt;
        }
        at = comma + 1;
    }
    std::ranges::sort(cores);
    cores.erase(std::unique(cores.begin(), cores.end()), cores.end());
    return cores;
}

std::string text_of(const CoreList& cores) {
    std::string text;
    for (std::size_t i = 0; i < cores.size();) {
        std::size_t last = i;
        while (last + 1 < cores.size() && cores[last + 1] == cores[last] + 1) {
            ++last;
        }
        text += (text.empty() ? "" : ",") + std::to_string(cores[i]);
        text += last == i ? "" : "-" + std::to_string(cores[last]);
        i = last + 1;
    }
    return text;
}

bool contains(const CoreList& cores, unsigned core) noexcept {
    return std::ranges::find(cores, core) != cores.end();
}

CoreList without(const CoreList& cores, const CoreList& others) {
    CoreList rest;
    std::ranges::set_difference(cores, others, std::back_inserter(rest));
    return rest;
}

CoreList both(const CoreList& cores, const CoreList& others) {
    CoreList shared;
    std::ranges::set_intersection(cores, others, std::back_inserter(shared));
    return shared;
}

}  // namespace tapmeter::machine
