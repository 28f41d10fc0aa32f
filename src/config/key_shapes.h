#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

#include "src/config/keys.h"

// The limits and the shapes that rows of the table of keys are put together from.
namespace tapmeter::config::shapes {

inline constexpr std::uint64_t second = 1'000;  // durations below are milliseconds
inline constexpr std::uint64_t hour = 3'600 * second;
inline constexpr std::uint64_t kibibyte = std::uint64_t{1} << 10U;
inline constexpr std::uint64_t shunted_flows_max = 65'535;
inline constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
inline constexpr std::uint64_t id_max = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint64_t flood_max = 1'000'000'000;
inline constexpr std::uint64_t signature_files_max = 1'024;
inline constexpr std::uint64_t signature_path_octets_max = 4'000;
inline constexpr std::uint64_t list_items_max = 65'536;
inline constexpr std::uint64_t socket_octets_max = 107;  // sun_path of unix(7), less the final NUL

constexpr Shape plain(Type type, Traits traits = {}) {
    return {type, 0, 0, {}, traits};
}
constexpr Shape ranged(Type type, std::uint64_t min, std::uint64_t max, Traits traits = {}) {
    return {type, min, max, {}, traits};
}
constexpr Shape choice(std::array<std::string_view, 5> words, Traits traits = {}) {
    return {Type::choice, 0, 0, words, traits};
}

inline constexpr Traits automatic{.automatic = true};
inline constexpr Traits power_of_two{.automatic = false, .power_of_two = true};
inline constexpr Traits automatic_power{.automatic = true, .power_of_two = true};
inline constexpr Traits whole_seconds{.whole_seconds = true};
inline constexpr Traits required{.required = true};
inline constexpr Traits live{.live = true};

}  // namespace tapmeter::config::shapes
