#include "src/config/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <system_error>

namespace tapmeter::config {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array duration_units{
    Unit{"ms", 1}, Unit{"s", 1'000}, Unit{"m", 60'000}, Unit{"h", 3'600'000}, Unit{"d", 86'400'000},
};
constexpr std::array size_units{
    Unit{"", 1},
    Unit{"KiB", std::uint64_t{1} << 10U},
    Unit{"MiB", std::uint64_t{1} << 20U},
    Unit{"GiB", std::uint64_t{1} << 30U},
    Unit{"TiB", std::uint64_t{1} << 40U},
};
constexpr std::array count_units{
    Unit{"", 1},
    Unit{"k", 1'000},
    Unit{"M", 1'000'000},
    Unit{"G", 1'000'000'000},
    Unit{"Ki", std::uint64_t{1} << 10U},
    Unit{"Mi", std::uint64_t{1} << 20U},
    Unit{"Gi", std::uint64_t{1} << 30U},
};
constexpr std::uint64_t milliseconds_max = std::uint64_t{36'525} * 86'400'000;

// Digits, then a unit of the list; no sign, no space, no fraction, nothing behind.
std::optional<std::uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    const std::string_view name(rest, static_cast<std::size_t>(end - rest));
    const auto unit = std::ranges::find(units, name, &Unit::name);
    if (unit == units.end() || number > std::numeric_limits<std::uint64_t>::max() / unit->factor) {
        return std::nullopt;
    }
    return number * unit->factor;
}

std::string quantity_text(std::uint64_t quantity, std::span<const Unit> units) {
    const Unit* largest = &units.front();
    for (const Unit& unit : units) {
        largest = quantity != 0 && quantity % unit.factor == 0 ? &unit : largest;
    }
    return std::to_string(quantity / largest->factor) + std::string(largest->name);
}

// "4" or "4-7": both ends, ascending.
std::optional<std::pair<unsigned, unsigned>> parse_core_range(std::string_view text) {
    const std::size_t dash = text.find('-');
    const auto first = parse_quantity(text.substr(0, dash), std::span(count_units).first(1));
    const auto last = dash == std::string_view::npos
                          ? first
                          : parse_quantity(text.substr(dash + 1), std::span(count_units).first(1));
    if (!first || !last || *first > *last || *last > core_number_max) {
        return std::nullopt;
    }
    return std::pair{static_cast<unsigned>(*first), static_cast<unsigned>(*last)};
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const auto milliseconds = parse_quantity(text, duration_units);
    if (!milliseconds || *milliseconds > milliseconds_max) {
        return std::nullopt;
    }
    return std::chrono::milliseconds{static_cast<std::int64_t>(*milliseconds)};
}

std::string duration_text(std::chrono::milliseconds duration) {
    const auto milliseconds = static_cast<std::uint64_t>(duration.count());
    return milliseconds == 0 ? "0s" : quantity_text(milliseconds, duration_units);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    return parse_quantity(text, size_units);
}

std::string size_text(std::uint64_t octets) {
    return quantity_text(octets, size_units);
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
    return parse_quantity(text, count_units);
}

Checked<std::vector<unsigned>> parse_cores(std::string_view text, std::size_t cores_max) {
    std::vector<unsigned> cores;
    while (true) {
        const std::size_t comma = text.find(',');
        const auto range = parse_core_range(text.substr(0, comma));
        if (!range) {
            return must_be("a list of cores such as \"2-9\" or \"2,4,6-8\", numbers from 0 to " +
                           std::to_string(core_number_max));
        }
        for (unsigned core = range->first; core <= range->second; ++core) {
            if (std::ranges::find(cores, core) != cores.end()) {
                return must_be("a list without repetition; core " + std::to_string(core) +
                               " appears twice");
            }
            if (cores.size() == cores_max) {
                return must_be("a list of at most " + std::to_string(cores_max) + " cores");
            }
            cores.push_back(core);
        }
        if (comma == std::string_view::npos) {
            return cores;
        }
        text.remove_prefix(comma + 1);
    }
}

std::string cores_text(const std::vector<std::uint64_t>& cores) {
    std::string text;
    for (std::size_t first = 0; first < cores.size();) {
        std::size_t last = first;
        while (last + 1 < cores.size() && cores[last + 1] == cores[last] + 1) {
            ++last;
        }
        text += text.empty() ? "" : ",";
        text += std::to_string(cores[first]);
        if (last != first) {
            text += '-';
            text += std::to_string(cores[last]);
        }
        first = last + 1;
    }
    return text;
}

}  // namespace tapmeter::config
