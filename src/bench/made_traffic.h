#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "src/bench/traffic.h"

namespace tapmeter::bench {

inline constexpr std::uint64_t flows_max = std::uint64_t{1} << 26U;
// With FCS, as performance engineers say it.
inline constexpr std::uint32_t frame_size_min = 64;
inline constexpr std::uint32_t frame_size_max = 1'518;

// What is made for one worker.
struct TrafficRequest {
    enum class Kind : std::uint8_t {
        uniform,  // UDP, each packet of one of so many flows by chance
        flood,    // UDP, each packet a flow of its own that never comes again
        imix,     // TCP conversations of so many at once, both directions, simple IMIX sizes
        file,     // a capture file
    };
    Kind kind = Kind::uniform;
    std::uint64_t flows = 1'000'000;        // 1 to flows_max; not of a file
    std::uint32_t frame_size = 64;          // with FCS; 0: simple IMIX. Not of imix and file
    std::filesystem::path file;             // of Kind::file
    std::uint64_t packets_min = 4'000'000;  // more than caches hold
    std::uint32_t worker = 0;               // another number, other flows
};

// Makes the traffic in memory: a hundred megabytes and more, a second and more.
// errors  no_memory; io, where a capture file cannot be read or holds no packet
Result<Traffic> make_traffic(const TrafficRequest& request);

}  // namespace tapmeter::bench
