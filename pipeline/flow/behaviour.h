#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "pipeline/base/packet.h"
#include "pipeline/base/ring.h"
#include "pipeline/base/units.h"
#include "pipeline/flow/meter.h"

namespace tapmeter::flow {

// Bounds of the histograms; a bin counts what is no larger than its bound and larger than the one
// before, the last what is beyond all.
inline constexpr std::size_t histogram_bins = 8;
using Histogram = std::array<std::uint32_t, histogram_bins>;
inline constexpr std::array<std::uint32_t, histogram_bins - 1> size_bounds{64,   128,  256, 512,
                                                                           1024, 1280, 1500};
inline constexpr std::array<std::int64_t, histogram_bins - 1> gap_bounds_us{
    10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000};
inline constexpr std::array<std::uint32_t, histogram_bins - 1> ttl_bounds{32,  64,  96, 128,
                                                                          160, 192, 224};

inline constexpr std::size_t first_packets_max = 16;
using MacAddress = std::array<std::uint8_t, 6>;

// How a flow's packets behave, whatever they carry; since its last record, but for the first
// packets and what its first packet alone said. As it travels beside a Flow Record, and as it is
// kept while the flow lives: then a direction is an endpoint's (index: Sender). Plain octets.
struct alignas(cache_line_octets) BehaviourReport {
    struct Direction {
        Histogram sizes{};  // IP octets (size_bounds)
        Histogram gaps{};   // since the packet before that way (gap_bounds_us)
        Histogram ttls{};   // TTL or hop limit (ttl_bounds)
        ObservedAt last{};  // newest packet that way, kept for the next gap
        std::uint8_t ttl_max = 0;
        std::uint8_t ttl_min = 0;
        std::uint8_t services = 0;  // all types of service, or-ed
    };
    std::array<Direction, 2> directions{};

    std::array<std::uint32_t, first_packets_max> first_times_us{};  // since the flow's first packet
    std::array<std::uint16_t, first_packets_max> first_octets{};    // IP; 65,535: that or more
    std::uint16_t first_reverse = 0;  // bit i: packet i went the other way than the directions[0]
    std::uint8_t first_packets = 0;

    bool complete = true;     // false: some of the flow's packets were not looked at
    std::uint8_t pauses = 0;  // the owner's: how many it has made
    bool has_mac = false;
    MacAddress source_mac{};  // of the flow's first packet
    MacAddress destination_mac{};
    std::uint32_t flow_label = 0;  // of the first packet, where that is IPv6

    std::int64_t second = 0;  // the one that is being counted, since 1970-01-01 UTC
    std::uint64_t second_octets = 0;
    std::uint64_t peak_octets = 0;  // most IP octets in one second of the clock, both ways
    std::uint32_t second_packets = 0;
    std::uint32_t peak_packets = 0;  // most packets in one second
    ObservedAt begun{};              // the flow's first packet
};
static_assert(sizeof(BehaviourReport) == 6 * cache_line_octets);
static_assert(std::is_trivially_copyable_v<BehaviourReport>, "crosses the ring as octets");

// The flow begins; its first packet is shown to add() as all others are.
// frame  null: it is not here
void begin(BehaviourReport& state, const Observation& first, const Packet* frame) noexcept;

void add(BehaviourReport& state, const Observation& packet) noexcept;

// What was counted is reported: counts begin anew.
void clear_counts(BehaviourReport& state) noexcept;

// initiator  whose packets are those of directions[0]
BehaviourReport report_of(const BehaviourReport& state, Sender initiator) noexcept;

}  // namespace tapmeter::flow
