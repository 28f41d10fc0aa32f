#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pipeline/base/ring.h"
#include "pipeline/base/units.h"
#include "pipeline/flow/flow_key.h"

// What TcpQuality keeps of a connection, by how often each octet is touched. Index of all arrays
// of two: Sender.
namespace tapmeter::flow {

// What one end's segments were, with the definitions of tshark's tcp.analysis (Wireshark User's
// Guide, TCP Analysis). A segment is at most one of retransmission, fast, spurious, out of order.
struct TcpSideQuality {
    std::uint32_t retransmissions = 0;  // by timeout: neither fast nor spurious
    std::uint32_t fast_retransmissions = 0;
    std::uint32_t spurious_retransmissions = 0;  // of octets that had been acknowledged
    std::uint32_t out_of_order = 0;
    std::uint32_t lost_segments = 0;        // segments behind a gap
    std::uint32_t unseen_acknowledged = 0;  // acknowledges what was not seen of the other end
    std::uint32_t duplicate_acks = 0;
    std::uint32_t zero_windows = 0;
    std::uint32_t windows_full = 0;
    std::uint32_t keep_alives = 0;

    constexpr std::uint32_t all_retransmissions() const noexcept {
        return retransmissions + fast_retransmissions + spurious_retransmissions;
    }
    bool operator==(const TcpSideQuality&) const = default;
};

// Round trips to one end: from a segment to it until it acknowledges just that.
struct RoundTrips {
    std::uint32_t samples = 0;
    Nanoseconds min{0};
    Nanoseconds max{0};
    Nanoseconds sum{0};

    Nanoseconds mean() const noexcept { return samples == 0 ? sum : sum / samples; }
};

enum class TcpOpening : std::uint8_t {
    unknown,      // seen from its middle on
    unanswered,   // SYN, and nothing from the other end
    refused,      // answered by RST
    half_open,    // SYN-ACK, and no ACK behind it
    established,  // the whole handshake
};
inline constexpr std::size_t tcp_openings = 5;
inline constexpr std::array<std::string_view, tcp_openings> tcp_opening_names{
    "unknown", "unanswered", "refused", "half_open", "established"};

// What both ends have sent last, each in its own direction: every segment reads and writes it.
//
//   octet  0           16           32     40         48      56       60      62       64
//          +-----------+------------+------+----------+-------+--------+-------+--------+
//          | next_at   | timed_at   | next | last_ack | timed | window | flags | others |
//          +-----------+------------+------+----------+-------+--------+-------+--------+
struct alignas(cache_line_octets) TcpLine {
    std::array<ObservedAt, 2> next_at{};      // when `next` was reached
    std::array<ObservedAt, 2> timed_at{};     // when what is timed was sent
    std::array<std::uint32_t, 2> next{};      // behind the highest octet seen
    std::array<std::uint32_t, 2> last_ack{};  // as the header had it
    std::array<std::uint32_t, 2> timed{};     // acknowledged, it ends a round trip
    std::array<std::uint16_t, 2> window{};
    std::uint16_t flags = 0;
    std::uint8_t scales = 0;  // of the windows, at most 14, four bits an end
    std::uint8_t pauses = 0;  // the owner's: how many it has made
};
static_assert(sizeof(TcpLine) == cache_line_octets);

// Bits of TcpLine::flags for the low end; the high end's stand one to the left.
struct TcpFlag {
    static constexpr unsigned has_next = 1U << 0U;
    static constexpr unsigned timing = 1U << 2U;
    static constexpr unsigned scaled = 1U << 4U;  // `window` is not of the SYN
    static constexpr unsigned gap = 1U << 6U;  // there is one before `next`: TcpEvents::continuous
    static constexpr unsigned odd =
        1U << 8U;  // its last segment left something: TcpEvents::duplicates
    static constexpr unsigned spoke = 1U << 10U;  // its data opens nothing any more
    // Nothing is pending that a plain segment of this end could change. Follows from all others,
    // and from TcpOpened; worked out behind each segment that was not plain.
    static constexpr unsigned steady = 1U << 12U;
    // Of both ends, none to the left: lines that hold something, as nobody clears them before.
    static constexpr unsigned trips = 1U << 14U;
    static constexpr unsigned counts = 1U << 15U;  // TcpEvents::seen
};

// How the connection was opened: until both ends have sent data, and by what is not plain.
struct alignas(cache_line_octets) TcpOpened {
    ObservedAt syn_at{};
    ObservedAt syn_ack_at{};
    ObservedAt request_at{};
    Nanoseconds first_round_trip{0};       // of the handshake now in force
    std::array<std::uint32_t, 2> first{};  // initial sequence numbers
    std::uint32_t client_round_trip_us = 0;
    std::uint32_t server_round_trip_us = 0;
    std::uint32_t server_response_us = 0;
    std::array<std::uint16_t, 2> segment_octets_max{};  // 0: not told
    std::array<std::uint8_t, 2> window_scale{};         // as told
    std::array<std::uint8_t, 2> said{};
    TcpOpening opening = TcpOpening::unknown;
    Sender client = Sender::low;
    bool has_client = false;
    bool complete = false;
};
static_assert(sizeof(TcpOpened) == cache_line_octets);

// Bits of TcpOpened::said.
struct TcpSaid {
    static constexpr std::uint8_t first = 1U << 0U;  // TcpOpened::first is known
    static constexpr std::uint8_t syn = 1U << 1U;
    static constexpr std::uint8_t data = 1U << 2U;
    static constexpr std::uint8_t window_scale = 1U << 3U;
    static constexpr std::uint8_t keep_alive = 1U << 4U;  // by its last segment, as the next
    static constexpr std::uint8_t probe = 1U << 5U;
};

// Where an acknowledgement ends one.
struct alignas(cache_line_octets) TcpTrips {
    std::array<Nanoseconds, 2> min{};
    std::array<Nanoseconds, 2> max{};
    std::array<Nanoseconds, 2> sum{};
    Nanoseconds initial{0};  // of the first handshake
    std::array<std::uint32_t, 2> samples{};
};
static_assert(sizeof(TcpTrips) == cache_line_octets);

// Counts, and what a gap or a repetition leaves.
struct alignas(cache_line_octets) TcpEvents {
    std::array<TcpSideQuality, 2> seen{};
    // Of an end with a gap: behind the highest octet without one before it.
    std::array<std::uint32_t, 2> continuous{};
    // Of an odd end: its duplicate ACKs, which stay at their maximum; when its last segment came.
    std::array<std::uint16_t, 2> duplicates{};
    std::array<ObservedAt, 2> last_ack_at{};
};
static_assert(sizeof(TcpEvents) == 2 * cache_line_octets);

}  // namespace tapmeter::flow
