#pragma once

#include <cstdint>

#include "pipeline/estimate.h"

namespace tapmeter::exporting {

// The account of the packets that were chosen for one output. At every moment:
//     taken = waiting + sent + send_error + not_expressible
struct PacketSamples {
    std::uint64_t one_in = 0;   // 0: this output is sent no packets
    std::uint64_t taken = 0;    // by the rings of the workers
    std::uint64_t waiting = 0;  // there, and in the datagram in progress
    std::uint64_t sent = 0;     // accepted by the socket
    std::uint64_t send_error = 0;
    std::uint64_t not_expressible = 0;  // the format has no words for such a link layer
    std::uint64_t ring_full = 0;        // chosen, but the worker's ring had no room: never taken
    std::uint64_t pool = 0;             // packets among which those that came here were chosen
    // What those that came here stand for.
    SampledSum packets{};
    SampledSum octets{};  // layer 2, without FCS
};

}  // namespace tapmeter::exporting
