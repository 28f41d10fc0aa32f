#pragma once

#include <cstdint>
#include <type_traits>

#include "pipeline/base/ring.h"
#include "pipeline/flow/tcp_lines.h"

namespace tapmeter::flow {

class TcpQuality;

// How a TCP connection fared, as it travels beside its Flow Record: counts and round trips since
// the flow's last record, the handshake of the flow in each. Times in whole microseconds, at least
// 1; 0: not seen. Plain octets.
struct alignas(cache_line_octets) TcpReport {
    struct Direction {
        TcpSideQuality seen{};          // of segments that way
        std::uint32_t round_trips = 0;  // timed, from a segment that way until its acknowledgement
        std::uint32_t round_trip_min_us = 0;
        std::uint32_t round_trip_mean_us = 0;
        std::uint32_t round_trip_max_us = 0;
        std::uint16_t segment_octets_max = 0;  // MSS option of the SYN that way; 0: none
        std::uint16_t window_scale = 0;        // option of the SYN that way
        bool has_window_scale = false;
    };
    Direction forward{};
    Direction reverse{};
    std::uint32_t initial_round_trip_us = 0;
    std::uint32_t client_round_trip_us = 0;
    std::uint32_t server_round_trip_us = 0;
    std::uint32_t server_response_us = 0;
    TcpOpening opening{};
    bool complete = false;  // false: some of the flow's packets were not looked at
};
static_assert(sizeof(TcpReport) == 3 * cache_line_octets);
static_assert(std::is_trivially_copyable_v<TcpReport>, "crosses the ring as octets");

// initiator  whose segments are the forward ones
TcpReport report_of(const TcpQuality& quality, Sender initiator) noexcept;

}  // namespace tapmeter::flow
