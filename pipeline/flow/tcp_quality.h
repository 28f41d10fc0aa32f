#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

#include "pipeline/base/prefetch.h"
#include "pipeline/base/units.h"
#include "pipeline/flow/flow_key.h"
#include "pipeline/flow/tcp_lines.h"
#include "pipeline/flow/tcp_segment.h"

namespace tapmeter::flow {

// How a TCP connection fares, from the segments of both ends as an observation point sees them.
// Fixed size, no memory of segments: one segment in flight each way is timed at a time.
//
//   line 1     what both ends have sent last    by every segment
//   line 2     how the connection was opened    until both ends have sent data, and by events
//   line 3     round trips                      where an acknowledgement ends one
//   line 4, 5  counts                           by events
//
// A plain segment goes on where its end stood: it is known by a few comparisons and needs line 1
// alone. All others take the long way, which defines what the short one has to come to.
class alignas(cache_line_octets) TcpQuality {
public:
    using Opening = TcpOpening;

    // A connection begins: as if newly made, but that it writes two lines only.
    // pauses  of whoever makes pauses and numbers them: it has missed none of them
    void begin(std::uint8_t pauses) noexcept {
        line_ = {.pauses = pauses};
        opened_ = {.complete = true};
    }

    void see(const TcpSegment& segment) noexcept {
        if (!see_plain(segment)) {
            see_any(segment);
        }
    }

    // The short way alone: a plain segment is seen. False: it is not plain, or a pause lies before
    // it, and nothing has changed.
    bool see_plain(const TcpSegment& segment, std::uint8_t pauses) noexcept {
        return line_.pauses == pauses && see_plain(segment);
    }

    // What was counted is reported: counts and round trips begin anew, the connection goes on.
    void clear_counts() noexcept;

    // Segments have passed that were not shown: what is known of sequence numbers holds no more.
    void skip() noexcept;
    // The same for whoever makes pauses and numbers them, if there was one since the last call.
    void catch_up(std::uint8_t pauses) noexcept {
        if (line_.pauses != pauses) [[unlikely]] {
            line_.pauses = pauses;
            skip();
        }
    }
    bool complete() const noexcept { return opened_.complete; }  // no segment was skipped

    // Nothing is counted of either end.
    bool is_uneventful() const noexcept { return (line_.flags & TcpFlag::counts) == 0; }
    TcpSideQuality side(Sender sender) const noexcept {
        return is_uneventful() ? TcpSideQuality{} : events_.seen[index(sender)];
    }
    // To the end `towards` and back to the observation point.
    RoundTrips round_trips(Sender towards) const noexcept;

    // tshark's tcp.analysis.initial_rtt: from the last SYN to the first segment behind it with ACK
    // and without SYN, whoever sent it (a refusal counts too). 0 where there was none.
    Nanoseconds initial_round_trip() const noexcept {
        return (line_.flags & TcpFlag::trips) != 0 ? trips_.initial : Nanoseconds{0};
    }
    // Of the first handshake, in whole microseconds, at least 1; 0 where it was not seen. Client:
    // SYN-ACK to ACK. Server: SYN to SYN-ACK.
    std::uint32_t client_round_trip_us() const noexcept { return opened_.client_round_trip_us; }
    std::uint32_t server_round_trip_us() const noexcept { return opened_.server_round_trip_us; }
    // Likewise: from the client's first octets to the server's.
    std::uint32_t server_response_us() const noexcept { return opened_.server_response_us; }
    Opening opening() const noexcept { return opened_.opening; }
    std::optional<Sender> client() const noexcept {
        return opened_.has_client ? std::optional(opened_.client) : std::nullopt;
    }
    std::optional<std::uint8_t> window_scale(Sender sender) const noexcept {
        return has_said(TcpSaid::window_scale, sender)
                   ? std::optional(opened_.window_scale[index(sender)])
                   : std::nullopt;
    }
    std::uint16_t segment_octets_max(Sender sender) const noexcept {  // 0: not told
        return opened_.segment_octets_max[index(sender)];
    }

    // Asks memory for what every segment touches, ...
    void prefetch() const noexcept { tapmeter::prefetch(&line_); }
    // ... what a beginning writes, what an end reads, ...
    void prefetch_beginning() const noexcept {
        prefetch();
        tapmeter::prefetch(&opened_);
    }
    void prefetch_end() const noexcept {
        prefetch_beginning();
        tapmeter::prefetch(&trips_);
    }
    // ... and what such a segment touches beside line 1, which has come meanwhile.
    void foresee(Sender sender, std::uint16_t control_bits,
                 std::uint32_t acknowledgement) const noexcept;

private:
    // What a segment was found to be.
    struct Found {
        bool probe = false;
        bool keep_alive = false;
        bool answers_probe = false;
        std::uint16_t duplicates = 0;  // ACKs of its sender, with this one
    };

    static constexpr std::size_t index(Sender sender) noexcept {
        return static_cast<std::size_t>(sender);
    }
    bool is(unsigned flag, Sender sender) const noexcept {
        return (line_.flags & (flag << index(sender))) != 0;
    }
    void set(unsigned flag, Sender sender, bool on) noexcept {
        const unsigned bit = flag << index(sender);
        line_.flags = static_cast<std::uint16_t>(on ? line_.flags | bit : line_.flags & ~bit);
    }
    bool has_said(std::uint8_t what, Sender sender) const noexcept {
        return (opened_.said[index(sender)] & what) != 0;
    }
    void say(std::uint8_t what, Sender sender, bool yes = true) noexcept {
        std::uint8_t& said = opened_.said[index(sender)];
        said = static_cast<std::uint8_t>(yes ? said | what : said & ~what);
    }
    bool is_client(Sender sender) const noexcept {
        return opened_.has_client && opened_.client == sender;
    }
    bool is_server(Sender sender) const noexcept {
        return opened_.has_client && opened_.client != sender;
    }
    // Behind the highest octet of an end without a gap before it.
    std::uint32_t continuous(Sender sender) const noexcept {
        return is(TcpFlag::gap, sender) ? events_.continuous[index(sender)]
                                        : line_.next[index(sender)];
    }
    std::uint16_t duplicates(Sender sender) const noexcept {
        return is(TcpFlag::odd, sender) ? events_.duplicates[index(sender)] : std::uint16_t{0};
    }
    // Where the window ends that `sender` has opened to the other end.
    std::uint32_t window_edge(Sender sender) const noexcept {
        constexpr unsigned bits = 4;
        const unsigned scale = (line_.scales >> (bits * index(sender))) & 0xfU;
        return line_.last_ack[index(sender)] + (std::uint32_t{line_.window[index(sender)]}
                                                << (is(TcpFlag::scaled, sender) ? scale : 0U));
    }
    TcpSideQuality& count(Sender sender) noexcept;
    TcpTrips& trips() noexcept;
    void add_round_trip(Sender towards, Nanoseconds time) noexcept;

    bool is_plain(const TcpSegment& segment) const noexcept;
    bool see_plain(const TcpSegment& segment) noexcept;
    void end_round_trip(const TcpSegment& segment) noexcept;

    void see_any(const TcpSegment& segment) noexcept;
    bool is_first_syn(const TcpSegment& segment) const noexcept;
    void open(const TcpSegment& segment) noexcept;
    void begin_again(const TcpSegment& segment) noexcept;
    void note_handshake(const TcpSegment& segment) noexcept;
    void note_syn(const TcpSegment& segment) noexcept;
    void note_opening(const TcpSegment& segment) noexcept;
    Found look_at_window(const TcpSegment& segment) noexcept;
    void look_at_acknowledgement(const TcpSegment& segment, Found& found) noexcept;
    void look_at_sequence(const TcpSegment& segment, const Found& found) noexcept;
    void time_round_trips(const TcpSegment& segment) noexcept;
    void note_response(const TcpSegment& segment) noexcept;
    void advance(const TcpSegment& segment, const Found& found) noexcept;
    void keep_last(const TcpSegment& segment, const Found& found) noexcept;
    void judge() noexcept;

    TcpLine line_{};
    TcpOpened opened_{.complete = true};
    TcpTrips trips_{};
    TcpEvents events_{};
};
static_assert(sizeof(TcpQuality) == 5 * cache_line_octets);
static_assert(std::is_trivially_copyable_v<TcpQuality>);

namespace detail {

// Sequence numbers wrap: RFC 9293 §3.4.
constexpr bool before(std::uint32_t one, std::uint32_t other) noexcept {
    return static_cast<std::int32_t>(one - other) < 0;
}

}  // namespace detail

inline void TcpQuality::foresee(Sender sender, std::uint16_t control_bits,
                                std::uint32_t acknowledgement) const noexcept {
    constexpr unsigned opening = detail::tcp_syn | detail::tcp_rst;
    const unsigned open = (TcpFlag::steady | TcpFlag::spoke) << index(sender);
    const bool opens = ((~line_.flags & open) | (control_bits & opening)) != 0;
    const std::size_t to = 1 - index(sender);
    const unsigned timing = ((line_.flags >> to) & TcpFlag::timing) != 0 ? 1U : 0U;
    const bool ends = (timing & (acknowledgement == line_.timed[to] ? 1U : 0U)) != 0;
    // Whether a line is needed is a coin's throw: without a branch, line 1 stands for none.
    constexpr std::size_t opened_at = sizeof(TcpLine);
    constexpr std::size_t trips_at = opened_at + sizeof(TcpOpened);
    const auto lines = std::as_bytes(std::span{this, 1});
    tapmeter::prefetch(lines.subspan(opens * opened_at).data());
    tapmeter::prefetch(lines.subspan(ends * trips_at).data());
}

// No event, by the rules of the long way: each comparison stands for what would be counted there,
// and may refuse more than that.
[[gnu::always_inline]] inline bool TcpQuality::is_plain(const TcpSegment& segment) const noexcept {
    constexpr unsigned looked_at = detail::tcp_syn | detail::tcp_rst | detail::tcp_ack;
    constexpr std::uint32_t octets_max = 0xffff;
    const std::size_t from = index(segment.sender);
    const std::size_t to = 1 - from;
    const std::uint32_t data = segment.payload_octets;
    if (!is(TcpFlag::steady, segment.sender) ||
        (segment.control_bits & looked_at) != detail::tcp_ack ||  // may open or refuse
        segment.sequence != line_.next[from] ||                   // a gap, or sent again
        segment.window == 0 || data > octets_max) {
        return false;
    }
    if (is(TcpFlag::has_next, other(segment.sender)) &&
        detail::before(line_.next[to], segment.acknowledgement)) {
        return false;  // of octets that were not seen
    }
    if (data == 0) {  // not what was said before: a duplicate, or the answer to a probe
        return (segment.control_bits & detail::tcp_fin) != 0 ||
               segment.window != line_.window[from] ||
               segment.acknowledgement != line_.last_ack[from];
    }
    const std::uint32_t end = segment.sequence + data;
    const bool acknowledged = line_.last_ack[to] != 0 && !detail::before(line_.last_ack[to], end);
    const bool probes = data == 1 && line_.window[to] == 0;
    return !acknowledged && !probes && end != window_edge(other(segment.sender));
}

[[gnu::always_inline]] inline bool TcpQuality::see_plain(const TcpSegment& segment) noexcept {
    if (!is_plain(segment)) [[unlikely]] {
        return false;
    }
    static_assert(detail::tcp_fin == 1, "counts as one octet");
    const std::size_t from = index(segment.sender);
    const std::uint32_t octets = segment.payload_octets + (segment.control_bits & detail::tcp_fin);
    end_round_trip(segment);
    if (!is(TcpFlag::spoke, segment.sender) && segment.payload_octets != 0) [[unlikely]] {
        note_response(segment);
        set(TcpFlag::spoke, segment.sender, true);
    }
    if (octets != 0) {
        line_.next[from] += octets;
        line_.next_at[from] = segment.at;
        if (!is(TcpFlag::timing, segment.sender)) {
            set(TcpFlag::timing, segment.sender, true);
            line_.timed[from] = line_.next[from];
            line_.timed_at[from] = segment.at;
        }
    }
    line_.window[from] = segment.window;
    line_.last_ack[from] = segment.acknowledgement;
    set(TcpFlag::scaled, segment.sender, true);
    return true;
}

// With ACK, of what the other end has under way.
[[gnu::always_inline]] inline void TcpQuality::end_round_trip(const TcpSegment& segment) noexcept {
    const Sender to = other(segment.sender);
    if (!is(TcpFlag::timing, to)) {
        return;
    }
    const std::uint32_t timed = line_.timed[index(to)];
    if (segment.acknowledgement == timed) {
        add_round_trip(segment.sender,
                       std::max(segment.at - line_.timed_at[index(to)], Nanoseconds{0}));
    }
    if (segment.acknowledgement == timed || detail::before(timed, segment.acknowledgement)) {
        set(TcpFlag::timing, to, false);
    }
}

}  // namespace tapmeter::flow
