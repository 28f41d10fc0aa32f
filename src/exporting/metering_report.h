#pragma once

#include <cstdint>
#include <vector>

namespace tapmeter::exporting {

// What the Metering Process says of one Observation Point, for RFC 7011 section 4.2, the Selectors
// of RFC 7014 and the counters of sFlow. Totals since start.
struct MeteringTotals {
    std::uint64_t ignored_packets = 0;  // seen and not metered, or lost before they were seen
    std::uint64_t ignored_octets = 0;   // layer 2, as far as anybody knows them
    std::uint64_t flows_observed = 0;
    std::uint64_t flows_selected = 0;  // of them, metered
    // Of the interface itself.
    std::uint64_t received_packets = 0;
    std::uint64_t received_octets = 0;    // layer 2, without FCS
    std::uint64_t discarded_packets = 0;  // for lack of room
    std::uint64_t error_packets = 0;
    std::uint64_t link_speed_bits = 0;  // a second; 0: nobody knows
    bool link_up = true;
    bool promiscuous = true;
};

// By Observation Point.
using MeteringReport = std::vector<MeteringTotals>;

}  // namespace tapmeter::exporting
