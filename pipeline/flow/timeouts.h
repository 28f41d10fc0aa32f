#pragma once

#include <algorithm>
#include <cstdint>

#include "pipeline/base/units.h"
#include "pipeline/flow/flow.h"
#include "pipeline/flow/flow_bucket.h"

namespace tapmeter::flow {

// When a flow's record is cut and when the flow ends. Measured in packet time, so that a capture
// file gives the same records however fast it is read.
struct Timeouts {
    Nanoseconds idle{};     // no packet for so long: the flow has ended
    Nanoseconds active{};   // the record covers so much already: cut it, the flow goes on
    Nanoseconds tcp_end{};  // lingers for late packets after FIN both ways or RST
};

enum class Due : std::uint8_t { nothing, cut, idle_end, end_of_flow };

struct NextEvent {
    ObservedAt at{};
    Due what = Due::nothing;
};

// The event that comes next in the life of a flow that sees no further packet. Of two events the
// earlier one wins, whenever we come to look: that makes records independent of when expiry runs.
inline NextEvent next_event(const Flow& flow, const Timeouts& timeouts) noexcept {
    const bool ended = has_ended(flow);
    const ObservedAt end_at = flow.last + (ended ? timeouts.tcp_end : timeouts.idle);
    const ObservedAt cut_at = flow.start + timeouts.active;
    if ((flow.state & state::empty) == 0 && cut_at < end_at) {
        return {cut_at, Due::cut};
    }
    return {end_at, ended ? Due::end_of_flow : Due::idle_end};
}

constexpr Ticks ticks_of(ObservedAt time) noexcept {
    return static_cast<Ticks>(static_cast<std::uint64_t>(time.time_since_epoch().count()) >>
                              tick_shift);
}

// The first tick at which `event` may be looked at again, seen from `now`: rounded up, never in
// the past, never further away than ticks can be compared.
constexpr Ticks deadline_ticks(ObservedAt event, ObservedAt now) noexcept {
    const std::int64_t away = (event.time_since_epoch().count() >> tick_shift) + 1 -
                              (now.time_since_epoch().count() >> tick_shift);
    return static_cast<Ticks>(ticks_of(now) +
                              std::clamp<std::int64_t>(away, 0, deadline_ticks_max));
}

}  // namespace tapmeter::flow
