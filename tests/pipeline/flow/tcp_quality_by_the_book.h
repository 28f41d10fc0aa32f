#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "pipeline/flow/tcp_lines.h"
#include "pipeline/flow/tcp_segment.h"

namespace tapmeter::flow {

// The rules of TcpQuality with everything that they know of a connection in plain members and no
// short way: what TcpQuality is compared with, segment by segment.
class TcpQualityByTheBook {
public:
    using Opening = TcpOpening;

    void see(const TcpSegment& segment) noexcept;

    // What was counted is reported: counts and round trips begin anew, the connection goes on.
    void clear_counts() noexcept;

    // Segments have passed that were not shown: what is known of sequence numbers holds no more.
    void skip() noexcept;
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

}  // namespace tapmeter::flow
