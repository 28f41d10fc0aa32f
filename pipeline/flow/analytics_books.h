#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "pipeline/flow/tcp_lines.h"

namespace tapmeter::flow {

// Why a metered TCP segment was not looked at.
enum class SegmentSkipped : std::uint8_t {
    shed,        // the worker could not keep up
    shunted,     // of a large flow that is only counted
    aggregated,  // its flow has no place of its own, or was left out
    unreadable,  // a fragment, a header that is cut or lies about itself
    not_here,    // it was kept back until its frame was gone
    count,
};
inline constexpr std::size_t segment_skipped_reasons =
    static_cast<std::size_t>(SegmentSkipped::count);
inline constexpr std::array<std::string_view, segment_skipped_reasons> segment_skipped_names{
    "shed", "shunted", "aggregated", "unreadable", "not_here"};

// Both directions of all connections together.
struct TcpTotals {
    std::uint64_t retransmissions = 0;  // of all three kinds
    std::uint64_t fast_retransmissions = 0;
    std::uint64_t spurious_retransmissions = 0;
    std::uint64_t out_of_order = 0;
    std::uint64_t lost_segments = 0;
    std::uint64_t duplicate_acks = 0;
    std::uint64_t zero_windows = 0;

    constexpr void add(const TcpSideQuality& side) noexcept {
        retransmissions += side.all_retransmissions();
        fast_retransmissions += side.fast_retransmissions;
        spurious_retransmissions += side.spurious_retransmissions;
        out_of_order += side.out_of_order;
        lost_segments += side.lost_segments;
        duplicate_acks += side.duplicate_acks;
        zero_windows += side.zero_windows;
    }
};

// Handshake round trips, client's and server's together; the last bucket has no bound.
inline constexpr std::array<std::uint32_t, 5> round_trip_bounds_us{1'000, 10'000, 50'000, 200'000,
                                                                   1'000'000};
inline constexpr std::size_t round_trip_buckets = round_trip_bounds_us.size() + 1;

// What became of the flows that wanted a state of a group.
struct PoolCounts {
    std::uint64_t given = 0;
    std::uint64_t refused = 0;  // flows that go without: none was free
    std::uint64_t in_use = 0;

    constexpr PoolCounts& operator+=(const PoolCounts& other) noexcept {
        given += other.given;
        refused += other.refused;
        in_use += other.in_use;
        return *this;
    }
};
struct PayloadBooks {
    PoolCounts entropy{};
    PoolCounts rtp{};
    PoolCounts dns{};
    std::uint64_t rtp_flows = 0;  // that turned out to be RTP, either way

    constexpr PayloadBooks& operator+=(const PayloadBooks& other) noexcept {
        entropy += other.entropy;
        rtp += other.rtp;
        dns += other.dns;
        rtp_flows += other.rtp_flows;
        return *this;
    }
};

// What a worker's analytics have counted: of a worker without them, all 0. At every look
//   segments = segments_seen + sum(segments_skipped)
struct AnalyticsBooks {
    std::uint64_t segments = 0;  // of TCP, metered packet by packet
    std::uint64_t segments_seen = 0;
    std::array<std::uint64_t, segment_skipped_reasons> segments_skipped{};

    // Of the connections that ended, by how they began.
    std::array<std::uint64_t, tcp_openings> connections{};
    TcpTotals tcp{};  // of what was reported
    std::array<std::uint64_t, round_trip_buckets> round_trips{};
    std::uint64_t round_trip_us = 0;  // sum

    std::uint64_t tunnels_kept = 0;     // flows whose surroundings were kept
    std::uint64_t tunnels_refused = 0;  // there was no room
    std::uint64_t tunnels_in_use = 0;

    PayloadBooks payloads{};
};

}  // namespace tapmeter::flow
