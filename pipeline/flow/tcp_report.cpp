#include "pipeline/flow/tcp_report.h"

#include <algorithm>
#include <limits>

#include "pipeline/flow/tcp_quality.h"

namespace tapmeter::flow {

namespace {

std::uint32_t microseconds_of(Nanoseconds time, bool seen) noexcept {
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
    return seen
               ? static_cast<std::uint32_t>(std::clamp(time.count() / 1'000, std::int64_t{1}, most))
               : 0;
}

TcpReport::Direction direction_of(const TcpQuality& quality, Sender from) noexcept {
    const RoundTrips& trips = quality.round_trips(other(from));
    const bool any = trips.samples != 0;
    return {.seen = quality.side(from),
            .round_trips = trips.samples,
            .round_trip_min_us = microseconds_of(trips.min, any),
            .round_trip_mean_us = microseconds_of(trips.mean(), any),
            .round_trip_max_us = microseconds_of(trips.max, any),
            .segment_octets_max = quality.segment_octets_max(from),
            .window_scale = quality.window_scale(from).value_or(0),
            .has_window_scale = quality.window_scale(from).has_value()};
}

}  // namespace

TcpReport report_of(const TcpQuality& quality, Sender initiator) noexcept {
    const Nanoseconds initial = quality.initial_round_trip();
    return {.forward = direction_of(quality, initiator),
            .reverse = direction_of(quality, other(initiator)),
            .initial_round_trip_us = microseconds_of(initial, initial != Nanoseconds{0}),
            .client_round_trip_us = quality.client_round_trip_us(),
            .server_round_trip_us = quality.server_round_trip_us(),
            .server_response_us = quality.server_response_us(),
            .opening = quality.opening(),
            .complete = quality.complete()};
}

}  // namespace tapmeter::flow
