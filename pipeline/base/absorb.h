#pragma once

#include <chrono>
#include <cstdint>

namespace tapmeter {

// How long a worker may be away from its queue (an interrupt, a page fault, a costly burst) before
// a packet is lost. Receive rings are sized for it, as far as device and memory allow; where they
// do not, the operator is told for how long the ring lasts.
inline constexpr std::chrono::milliseconds absorb_time{10};

// What one frame takes on the wire beyond its octets without FCS: FCS, preamble and gap
// (IEEE 802.3).
inline constexpr std::uint64_t wire_overhead_octets = 4 + 8 + 12;
// The smallest frame, without FCS.
inline constexpr std::uint64_t frame_octets_min = 60;

// Frames a second of one size at line rate. 14,880,952 of the smallest at 10 Gbit/s.
constexpr std::uint64_t frames_per_second(std::uint64_t bits_per_second,
                                          std::uint64_t frame_octets) noexcept {
    return bits_per_second / ((frame_octets + wire_overhead_octets) * 8);
}

// The smallest frames that reach one of `queues` (1 and more) within absorb_time at line rate,
// where the NIC spreads them evenly.
constexpr std::uint64_t frames_to_absorb(std::uint64_t bits_per_second,
                                         std::uint64_t queues) noexcept {
    const auto milliseconds = static_cast<std::uint64_t>(absorb_time.count());
    const std::uint64_t frames =
        frames_per_second(bits_per_second, frame_octets_min) * milliseconds / 1'000;
    return (frames + queues - 1) / queues;
}

// For how long a ring of `descriptors` takes frames of one size at line rate; 0 at no speed.
constexpr std::chrono::microseconds absorbed_by(std::uint64_t descriptors, std::uint64_t queues,
                                                std::uint64_t frames_a_second) noexcept {
    if (frames_a_second == 0) {
        return std::chrono::microseconds{0};
    }
    constexpr std::uint64_t microseconds = 1'000'000;
    return std::chrono::microseconds{descriptors * queues * microseconds / frames_a_second};
}

}  // namespace tapmeter
