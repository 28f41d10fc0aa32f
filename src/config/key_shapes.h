#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

#include "src/config/address.h"
#include "src/config/keys.h"

// The words in which keys.cpp writes its table; for it alone.
namespace tapmeter::config::key_shapes {

inline constexpr std::uint64_t second = 1'000;  // durations below are milliseconds
inline constexpr std::uint64_t hour = 3'600 * second;
inline constexpr std::uint64_t duplicates_window_max = 10;
inline constexpr std::uint64_t kibibyte = std::uint64_t{1} << 10U;
inline constexpr std::uint64_t shunted_flows_max = 65'535;
inline constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
inline constexpr std::uint64_t id_max = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint64_t flood_max = 1'000'000'000;
inline constexpr std::uint64_t packet_sampling_max = 16'777'215;
inline constexpr std::uint64_t link_speed_max = 10'000'000;  // Mbit/s
inline constexpr std::uint64_t pace_max = 1'000'000'000;
inline constexpr std::uint64_t signature_files_max = 1'024;
inline constexpr std::uint64_t dissectors_off_max = 64;
inline constexpr std::uint64_t signature_path_octets_max = 4'000;
inline constexpr std::uint64_t list_items_max = 65'536;
inline constexpr std::uint64_t socket_octets_max = 107;  // sun_path of unix(7), less the final NUL

// Collector and listener are one text outside and two or three members inside.
inline Value get_collector(const Config& config, std::size_t block) {
    const Config::Ipfix& ipfix = config.ipfix[block];
    return collector_text({ipfix.transport, ipfix.host, ipfix.port, ipfix.path});
}
inline void set_collector(Config& config, std::size_t block, const Value& value) {
    const auto collector = parse_collector(std::get<std::string>(value));
    if (collector) {
        Config::Ipfix& ipfix = config.ipfix[block];
        ipfix.transport = collector->transport;
        ipfix.host = collector->host;
        ipfix.port = collector->port;
        ipfix.path = collector->path;
    }
}
inline Value get_lines(const Config& config, std::size_t block) {
    const Config::Json& json = config.json[block];
    return lines_text({json.to, json.path, json.host, json.port});
}
inline void set_lines(Config& config, std::size_t block, const Value& value) {
    const auto lines = parse_lines(std::get<std::string>(value));
    if (lines) {
        Config::Json& json = config.json[block];
        json.to = lines->to;
        json.path = lines->path;
        json.host = lines->host;
        json.port = lines->port;
    }
}
inline Value get_listen(const Config& config, std::size_t) {
    return listen_text({config.http.enabled, config.http.address, config.http.port});
}
inline void set_listen(Config& config, std::size_t, const Value& value) {
    const auto listen = parse_listen(std::get<std::string>(value));
    if (listen) {
        config.http = {listen->enabled, listen->address, listen->port};
    }
}

using C = Config;
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
inline constexpr Traits automatic_live{.automatic = true, .live = true};

}  // namespace tapmeter::config::key_shapes
