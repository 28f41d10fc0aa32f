#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "pipeline/base/bytes.h"
#include "pipeline/base/packet.h"
#include "pipeline/base/ring.h"
#include "pipeline/base/units.h"
#include "pipeline/decode/headers.h"
#include "pipeline/flow/flow_key.h"

namespace tapmeter::flow {

// What one TCP segment says that its connection's quality depends on.
struct TcpSegment {
    ObservedAt at{};
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgement = 0;  // as the header has it, also where ACK is not set
    std::uint32_t payload_octets = 0;   // as on the wire
    std::uint16_t window = 0;           // not scaled
    std::uint16_t control_bits = 0;
    Sender sender = Sender::low;
    // Of a SYN's options; nothing where it has none.
    std::optional<std::uint8_t> window_scale{};
    std::optional<std::uint16_t> segment_octets_max{};
};

// Reads a segment of decoded headers whose protocol is TCP. Nothing where its fixed header is cut,
// its own length cannot be true, or the packet is a fragment.
// source  RFC 9293 §3.1 and §3.2; window scale RFC 7323 §2.2
std::optional<TcpSegment> read_tcp_segment(const decode::Headers& headers, ObservedAt at,
                                           Sender sender) noexcept;

// The same of a transport header alone.
// octets  of it and all behind it, as on the wire
std::optional<TcpSegment> read_tcp_segment(Bytes transport, std::size_t octets, ObservedAt at,
                                           Sender sender) noexcept;

// Where TCP begins in what nearly every frame is: Ethernet, at most one VLAN tag, IPv4 without
// options or IPv6 without extension headers, no fragment. Empty: the frame is something else, or is
// cut within the fixed header.
Bytes common_tcp(const Packet& packet) noexcept;

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

    void add(Nanoseconds time) noexcept;
    Nanoseconds mean() const noexcept { return samples == 0 ? sum : sum / samples; }
};

// How a TCP connection fares, from the segments of both ends as an observation point sees them.
// Fixed size, no memory of segments: one segment in flight each way is timed at a time.
//
//   octet  0              112          128                192                          320
//         +--------------+------------+------------------+----------------------------+
//         | both ends    | handshake  | round trips      | counts, times of handshake |
//         +--------------+------------+------------------+----------------------------+
//           touched by every segment    by many            by few
class alignas(cache_line_octets) TcpQuality {
public:
    enum class Opening : std::uint8_t {
        unknown,      // seen from its middle on
        unanswered,   // SYN, and nothing from the other end
        refused,      // answered by RST
        half_open,    // SYN-ACK, and no ACK behind it
        established,  // the whole handshake
    };
    static constexpr std::size_t openings = 5;

    void see(const TcpSegment& segment) noexcept;

    // What was counted is reported: counts and round trips begin anew, the connection goes on.
    void clear_counts() noexcept;

    // Segments have passed that were not shown: what is known of sequence numbers holds no more.
    void skip() noexcept;
    // The same for whoever makes pauses and numbers them, if there was one since the last call.
    void catch_up(std::uint8_t pauses) noexcept {
        if (pauses_ != pauses) [[unlikely]] {
            pauses_ = pauses;
            skip();
        }
    }
    // A connection that begins now has missed none of them.
    void begin_behind(std::uint8_t pauses) noexcept { pauses_ = pauses; }
    bool complete() const noexcept { return complete_; }  // no segment was skipped

    const TcpSideQuality& side(Sender sender) const noexcept { return seen_[index(sender)]; }
    // To the end `towards` and back to the observation point.
    const RoundTrips& round_trips(Sender towards) const noexcept {
        return round_trips_[index(towards)];
    }

    // tshark's tcp.analysis.initial_rtt: from the last SYN to the first segment behind it with ACK
    // and without SYN, whoever sent it (a refusal counts too). 0 where there was none.
    Nanoseconds initial_round_trip() const noexcept { return initial_round_trip_; }
    // Of the first handshake, in whole microseconds, at least 1; 0 where it was not seen. Client:
    // SYN-ACK to ACK. Server: SYN to SYN-ACK.
    std::uint32_t client_round_trip_us() const noexcept { return client_round_trip_us_; }
    std::uint32_t server_round_trip_us() const noexcept { return server_round_trip_us_; }
    // Likewise: from the client's first octets to the server's.
    std::uint32_t server_response_us() const noexcept { return server_response_us_; }
    Opening opening() const noexcept { return opening_; }
    std::optional<Sender> client() const noexcept {
        return has_client_ ? std::optional(client_) : std::nullopt;
    }
    std::optional<std::uint8_t> window_scale(Sender sender) const noexcept {
        const End& end = ends_[index(sender)];
        return end.has_window_scale ? std::optional(end.window_scale) : std::nullopt;
    }
    std::uint16_t segment_octets_max(Sender sender) const noexcept {  // 0: not told
        return ends_[index(sender)].segment_octets_max;
    }

private:
    // What is known of one end's sequence numbers, in its own direction.
    struct End {
        ObservedAt next_at{};      // when `next` was reached
        ObservedAt last_ack_at{};  // when `last_ack` came
        ObservedAt timed_at{};
        std::uint32_t first = 0;       // the initial sequence number
        std::uint32_t next = 0;        // behind the highest octet seen
        std::uint32_t continuous = 0;  // behind the highest octet without a gap before it
        std::uint32_t last_ack = 0;
        std::uint32_t timed = 0;  // acknowledged, it ends a round trip
        std::uint16_t window = 0;
        std::uint16_t duplicates = 0;          // stays at its maximum
        std::uint16_t segment_octets_max = 0;  // 0: not told
        std::uint8_t window_scale = 0;
        bool has_window_scale : 1 = false;
        bool window_is_scaled : 1 = false;  // `window` is not of the SYN
        bool has_first : 1 = false;
        bool has_next : 1 = false;
        bool timing : 1 = false;
        bool sent_syn : 1 = false;
        bool sent_data : 1 = false;
        bool last_was_keep_alive : 1 = false;
        bool last_was_probe : 1 = false;
    };
    // What a segment was found to be.
    struct Found {
        bool probe = false;
        bool keep_alive = false;
        bool answers_probe = false;
    };

    static constexpr std::size_t index(Sender sender) noexcept {
        return static_cast<std::size_t>(sender);
    }

    bool is_client(Sender sender) const noexcept { return has_client_ && client_ == sender; }
    bool is_server(Sender sender) const noexcept { return has_client_ && client_ != sender; }

    void note_handshake(const TcpSegment& segment, End& from, End& to) noexcept;
    void begin_again(const TcpSegment& segment) noexcept;
    Found look_at_window(const TcpSegment& segment, End& from, const End& to) noexcept;
    void look_at_acknowledgement(const TcpSegment& segment, End& from, End& to) noexcept;
    void look_at_sequence(const TcpSegment& segment, const Found& found, const End& from,
                          const End& to) noexcept;
    static void advance(const TcpSegment& segment, const Found& found, End& from) noexcept;
    void time_round_trips(const TcpSegment& segment, End& from, End& to) noexcept;
    void note_response(const TcpSegment& segment, End& from, const End& to) noexcept;

    std::array<End, 2> ends_{};
    Nanoseconds first_round_trip_{0};  // of the handshake now in force: out of order, or sent again
    Opening opening_ = Opening::unknown;
    Sender client_ = Sender::low;
    bool has_client_ = false;
    bool complete_ = true;
    std::uint8_t pauses_ = 0;
    std::array<RoundTrips, 2> round_trips_{};
    std::array<TcpSideQuality, 2> seen_{};
    ObservedAt syn_at_{};
    ObservedAt syn_ack_at_{};
    ObservedAt request_at_{};
    Nanoseconds initial_round_trip_{0};  // of the first handshake
    std::uint32_t client_round_trip_us_ = 0;
    std::uint32_t server_round_trip_us_ = 0;
    std::uint32_t server_response_us_ = 0;
};
static_assert(sizeof(TcpQuality) == 5 * cache_line_octets);
static_assert(std::is_trivially_copyable_v<TcpQuality>);

inline constexpr std::array<std::string_view, TcpQuality::openings> tcp_opening_names{
    "unknown", "unanswered", "refused", "half_open", "established"};

}  // namespace tapmeter::flow
