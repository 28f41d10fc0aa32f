#include "tests/pipeline/flow/tcp_quality_by_the_book.h"

#include <algorithm>
#include <limits>

namespace tapmeter::flow {

namespace {

using namespace std::chrono_literals;

// tshark's thresholds: a resent segment this soon behind its duplicate ACKs is a fast
// retransmission; one this soon behind the newest octets was overtaken, unless the connection's own
// round trip is known, which replaces it.
constexpr Nanoseconds fast_within = 20ms;
constexpr Nanoseconds overtaken_within = 3ms;
constexpr std::uint32_t duplicates_min = 2;

// Sequence numbers wrap: RFC 9293 §3.4.
constexpr bool before(std::uint32_t one, std::uint32_t other) noexcept {
    return static_cast<std::int32_t>(one - other) < 0;
}
constexpr bool has(const TcpSegment& segment, std::uint16_t bits) noexcept {
    return (segment.control_bits & bits) != 0;
}
constexpr std::uint16_t syn_or_fin = detail::tcp_syn | detail::tcp_fin;
constexpr std::uint16_t syn_fin_or_rst = syn_or_fin | detail::tcp_rst;

// SYN and FIN count as one octet.
constexpr std::uint32_t behind(const TcpSegment& segment) noexcept {
    return segment.sequence + segment.payload_octets + (has(segment, syn_or_fin) ? 1U : 0U);
}

// 0 is "not seen", so what is shorter than a microsecond is one.
std::uint32_t microseconds_of(Nanoseconds time) noexcept {
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::clamp(time.count() / 1'000, std::int64_t{1}, most));
}

void add(RoundTrips& trips, Nanoseconds time) noexcept {
    trips.min = trips.samples == 0 ? time : std::min(trips.min, time);
    trips.max = std::max(trips.max, time);
    trips.sum += time;
    ++trips.samples;
}

}  // namespace

void TcpQualityByTheBook::see(const TcpSegment& segment) noexcept {
    begin_again(segment);
    End& from = ends_[index(segment.sender)];
    End& to = ends_[index(other(segment.sender))];
    note_handshake(segment, from, to);

    const Found found = look_at_window(segment, from, to);
    look_at_acknowledgement(segment, from, to);
    look_at_sequence(segment, found, from, to);
    time_round_trips(segment, from, to);
    note_response(segment, from, to);
    advance(segment, found, from);
}

// A SYN with another initial sequence number opens another connection between the same ports: what
// was counted stays, what was known of sequence numbers is forgotten.
void TcpQualityByTheBook::begin_again(const TcpSegment& segment) noexcept {
    const End& from = ends_[index(segment.sender)];
    const bool opens = has(segment, detail::tcp_syn) && !has(segment, detail::tcp_ack);
    if (!opens || !from.has_first || from.first == segment.sequence) {
        return;
    }
    ends_ = {};
    first_round_trip_ = Nanoseconds{0};
    has_client_ = false;
    opening_ = Opening::unknown;
    syn_at_ = {};
    syn_ack_at_ = {};
    request_at_ = {};
}

void TcpQualityByTheBook::clear_counts() noexcept {
    round_trips_ = {};
    seen_ = {};
}

void TcpQualityByTheBook::skip() noexcept {
    for (End& end : ends_) {
        end.has_next = false;
        end.timing = false;
        end.last_was_keep_alive = false;
        end.last_was_probe = false;
        end.duplicates = 0;
        end.last_ack = 0;
    }
    complete_ = false;
}

void TcpQualityByTheBook::note_handshake(const TcpSegment& segment, End& from, End& to) noexcept {
    const bool syn = has(segment, detail::tcp_syn);
    const bool ack = has(segment, detail::tcp_ack);
    if (!from.has_first) {
        from.first = syn ? segment.sequence : segment.sequence - 1;
        from.has_first = true;
    }
    if (!to.has_first && ack) {
        to.first = segment.acknowledgement - 1;
        to.has_first = true;
    }
    if (ack && !syn && has_client_ && first_round_trip_ == Nanoseconds{0}) {
        first_round_trip_ = segment.at - syn_at_;
        if (initial_round_trip_ == Nanoseconds{0}) {
            initial_round_trip_ = first_round_trip_;
        }
    }
    if (syn) {
        from.sent_syn = true;
        from.has_window_scale = segment.window_scale.has_value();
        from.window_scale = segment.window_scale.value_or(0);
        from.segment_octets_max = segment.segment_octets_max.value_or(0);
    }
    if (syn && !ack) {
        syn_at_ = segment.at;
        client_ = segment.sender;
        has_client_ = true;
        opening_ = opening_ == Opening::unknown ? Opening::unanswered : opening_;
    } else if (syn && is_server(segment.sender)) {
        syn_ack_at_ = segment.at;
        opening_ = opening_ == Opening::unanswered ? Opening::half_open : opening_;
        if (server_round_trip_us_ == 0) {
            server_round_trip_us_ = microseconds_of(segment.at - syn_at_);
        }
    } else if (opening_ == Opening::half_open && ack && is_client(segment.sender) &&
               !has(segment, detail::tcp_rst)) {
        opening_ = Opening::established;
        if (client_round_trip_us_ == 0) {
            client_round_trip_us_ = microseconds_of(segment.at - syn_ack_at_);
            server_round_trip_us_ = microseconds_of(syn_ack_at_ - syn_at_);
        }
    } else if (opening_ == Opening::unanswered && has(segment, detail::tcp_rst) &&
               is_server(segment.sender)) {
        opening_ = Opening::refused;
    }
}

TcpQualityByTheBook::Found TcpQualityByTheBook::look_at_window(const TcpSegment& segment, End& from,
                                                               const End& to) noexcept {
    TcpSideQuality& seen = seen_[index(segment.sender)];
    const bool plain = !has(segment, syn_fin_or_rst);
    const bool in_turn = from.has_next && segment.sequence == from.next;
    Found found;
    if (segment.payload_octets == 1 && in_turn && to.window == 0) {
        found.probe = true;
        return found;
    }
    if (segment.window == 0 && plain) {  // not `+= 0`: most segments leave that line alone
        ++seen.zero_windows;
    }
    if (from.has_next && before(from.next, segment.sequence) && !has(segment, detail::tcp_rst)) {
        ++seen.lost_segments;
    }
    if (segment.payload_octets <= 1 && from.has_next && segment.sequence == from.next - 1 &&
        plain) {
        found.keep_alive = true;
        ++seen.keep_alives;
    }
    const std::uint32_t scale = to.window_is_scaled ? to.window_scale : 0U;
    const std::uint32_t edge = to.last_ack + (std::uint32_t{to.window} << std::min(scale, 14U));
    if (segment.payload_octets > 0 && to.sent_syn && plain &&
        segment.sequence + segment.payload_octets == edge) {
        ++seen.windows_full;
    }
    const bool repeats = segment.payload_octets == 0 && plain && in_turn &&
                         segment.window == from.window && segment.acknowledgement == from.last_ack;
    if (repeats && segment.window != 0 && to.last_was_keep_alive) {
        found.answers_probe = true;
    } else if (repeats && segment.window == 0 && to.last_was_probe) {
        found.answers_probe = true;
    } else if (repeats && segment.window != 0) {
        from.duplicates = static_cast<std::uint16_t>(std::min(from.duplicates + 1, 0xffff));
        ++seen.duplicate_acks;
    }
    return found;
}

void TcpQualityByTheBook::look_at_acknowledgement(const TcpSegment& segment, End& from,
                                                  End& to) noexcept {
    if (segment.acknowledgement != from.last_ack) {
        from.duplicates = 0;
    }
    if (to.has_next && has(segment, detail::tcp_ack) &&
        before(to.continuous, segment.acknowledgement)) {
        ++seen_[index(segment.sender)].unseen_acknowledged;
        to.continuous = to.next;
    }
}

// Data, SYN or FIN that does not advance the sequence number was sent again, or overtaken.
void TcpQualityByTheBook::look_at_sequence(const TcpSegment& segment, const Found& found,
                                           const End& from, const End& to) noexcept {
    if ((segment.payload_octets == 0 && !has(segment, syn_or_fin)) || found.keep_alive) {
        return;
    }
    TcpSideQuality& seen = seen_[index(segment.sender)];
    bool behind_next = from.has_next && before(segment.sequence, from.next);
    if (segment.payload_octets > 1 && from.has_next && from.next - 1 == segment.sequence) {
        behind_next = false;  // the octet that a window probe sent before
    }
    const std::uint32_t end = segment.sequence + segment.payload_octets;
    if (segment.payload_octets > 0 && to.last_ack != 0 && !before(to.last_ack, end)) {
        ++seen.spurious_retransmissions;
        return;
    }
    if (!behind_next) {
        return;
    }
    if (to.duplicates >= duplicates_min && to.last_ack == segment.sequence &&
        segment.at - to.last_ack_at < fast_within) {
        ++seen.fast_retransmissions;
        return;
    }
    const Nanoseconds within =
        first_round_trip_ == Nanoseconds{0} ? overtaken_within : first_round_trip_;
    if (segment.at - from.next_at < within && from.next != behind(segment)) {
        ++seen.out_of_order;
        return;
    }
    ++seen.retransmissions;
}

void TcpQualityByTheBook::advance(const TcpSegment& segment, const Found& found,
                                  End& from) noexcept {
    const std::uint32_t next = behind(segment);
    const bool had_next = from.has_next;
    if (!found.probe && (!had_next || before(from.next, next))) {
        from.next = next;
        from.next_at = segment.at;
        from.has_next = true;
    }
    if (!found.probe && (!had_next || segment.sequence == from.continuous)) {
        from.continuous = from.next;
    }
    from.window = segment.window;
    from.window_is_scaled = !has(segment, detail::tcp_syn);
    from.last_ack = segment.acknowledgement;
    from.last_ack_at = segment.at;
    from.last_was_keep_alive = found.keep_alive;
    from.last_was_probe = found.probe;
}

// Karn: what was sent again is not timed, because nobody knows which of both is acknowledged.
void TcpQualityByTheBook::time_round_trips(const TcpSegment& segment, End& from, End& to) noexcept {
    if (to.timing && has(segment, detail::tcp_ack)) {
        if (segment.acknowledgement == to.timed) {
            add(round_trips_[index(segment.sender)],
                std::max(segment.at - to.timed_at, Nanoseconds{0}));
            to.timing = false;
        } else if (before(to.timed, segment.acknowledgement)) {
            to.timing = false;
        }
    }
    const bool advances = !from.has_next || before(from.next, behind(segment));
    const bool carries = segment.payload_octets != 0 || has(segment, syn_or_fin);
    if (from.timing && carries && !advances) {
        from.timing = false;
    } else if (!from.timing && carries && advances) {
        from.timing = true;
        from.timed = behind(segment);
        from.timed_at = segment.at;
    }
}

void TcpQualityByTheBook::note_response(const TcpSegment& segment, End& from,
                                        const End& to) noexcept {
    if (segment.payload_octets == 0 || !has_client_ || from.sent_data) {
        return;
    }
    from.sent_data = true;
    if (segment.sender == client_) {
        request_at_ = segment.at;
    } else if (to.sent_data && server_response_us_ == 0) {
        server_response_us_ = microseconds_of(segment.at - request_at_);
    }
}

}  // namespace tapmeter::flow
