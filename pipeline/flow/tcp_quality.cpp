#include "pipeline/flow/tcp_quality.h"

#include <algorithm>

#include "pipeline/decode/cursor.h"
#include "pipeline/flow/meter.h"

namespace tapmeter::flow {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t header_octets_min = 20;
constexpr std::size_t octets_per_word = 4;
constexpr std::uint16_t control_bits_mask = 0x0fff;
constexpr std::uint8_t option_end = 0;
constexpr std::uint8_t option_none = 1;
constexpr std::uint8_t option_segment_size = 2;
constexpr std::uint8_t option_window_scale = 3;
constexpr unsigned options_max = 40;  // octets: the header has no room for more

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

void read_option(std::uint8_t kind, Bytes value, TcpSegment& segment) noexcept {
    if (kind == option_segment_size && value.size() == 2) {
        segment.segment_octets_max = load_be16(value.first<2>());
    } else if (kind == option_window_scale && value.size() == 1) {
        segment.window_scale = load_be8(value.first<1>());
    }
}

void read_options(Bytes options, TcpSegment& segment) noexcept {
    decode::Cursor rest{options, options.size()};
    for (unsigned count = 0; count < options_max && rest.holds(1); ++count) {
        const std::uint8_t kind = load_be8(rest.take<1>());
        if (kind == option_end || (kind != option_none && !rest.holds(1))) {
            return;
        }
        if (kind == option_none) {
            continue;
        }
        const std::size_t octets = load_be8(rest.take<1>());
        if (octets < 2 || !rest.holds(octets - 2)) {
            return;
        }
        read_option(kind, rest.captured().first(octets - 2), segment);
        rest.skip(octets - 2);
    }
}

}  // namespace

std::optional<TcpSegment> read_tcp_segment(const decode::Headers& headers, ObservedAt at,
                                           Sender sender) noexcept {
    const Bytes octets = headers.transport;
    if (headers.protocol != detail::protocol_tcp || headers.fragment != decode::Fragment::none ||
        octets.size() < header_octets_min) {
        return std::nullopt;
    }
    const auto header = octets.first<header_octets_min>();
    const std::uint16_t offset_and_bits = load_be16(header.subspan<12, 2>());
    const std::size_t header_octets = (offset_and_bits >> 12U) * octets_per_word;
    if (header_octets < header_octets_min || header_octets > headers.transport_octets) {
        return std::nullopt;
    }
    TcpSegment segment{
        .at = at,
        .sequence = load_be32(header.subspan<4, 4>()),
        .acknowledgement = load_be32(header.subspan<8, 4>()),
        .payload_octets = static_cast<std::uint32_t>(headers.transport_octets - header_octets),
        .window = load_be16(header.subspan<14, 2>()),
        .control_bits = static_cast<std::uint16_t>(offset_and_bits & control_bits_mask),
        .sender = sender};
    if (has(segment, detail::tcp_syn)) {
        read_options(
            octets.first(std::min(header_octets, octets.size())).subspan(header_octets_min),
            segment);
    }
    return segment;
}

void RoundTrips::add(Nanoseconds time) noexcept {
    min = samples == 0 ? time : std::min(min, time);
    max = std::max(max, time);
    sum += time;
    ++samples;
}

void TcpQuality::see(const TcpSegment& segment) noexcept {
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
void TcpQuality::begin_again(const TcpSegment& segment) noexcept {
    const End& from = ends_[index(segment.sender)];
    const bool opens = has(segment, detail::tcp_syn) && !has(segment, detail::tcp_ack);
    if (!opens || !from.has_first || from.first == segment.sequence) {
        return;
    }
    for (End& end : ends_) {
        End fresh;
        fresh.seen = end.seen;
        fresh.round_trips = end.round_trips;
        end = fresh;
    }
    first_round_trip_ = Nanoseconds{0};
    client_.reset();
    opening_ = Opening::unknown;
    syn_at_ = {};
    syn_ack_at_ = {};
    request_at_ = {};
}

void TcpQuality::note_handshake(const TcpSegment& segment, End& from, End& to) noexcept {
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
    if (ack && !syn && client_ && first_round_trip_ == Nanoseconds{0}) {
        first_round_trip_ = segment.at - syn_at_;
        if (initial_round_trip_ == Nanoseconds{0}) {
            initial_round_trip_ = first_round_trip_;
        }
    }
    if (syn) {
        from.sent_syn = true;
        from.window_scale = segment.window_scale;
        from.segment_octets_max = segment.segment_octets_max;
    }
    if (syn && !ack) {
        syn_at_ = segment.at;
        client_ = segment.sender;
        opening_ = opening_ == Opening::unknown ? Opening::unanswered : opening_;
    } else if (syn && client_ == other(segment.sender)) {
        syn_ack_at_ = segment.at;
        opening_ = opening_ == Opening::unanswered ? Opening::half_open : opening_;
        if (server_round_trip_ == Nanoseconds{0}) {
            server_round_trip_ = segment.at - syn_at_;
        }
    } else if (opening_ == Opening::half_open && ack && client_ == segment.sender &&
               !has(segment, detail::tcp_rst)) {
        opening_ = Opening::established;
        if (client_round_trip_ == Nanoseconds{0}) {
            client_round_trip_ = segment.at - syn_ack_at_;
            server_round_trip_ = syn_ack_at_ - syn_at_;
        }
    } else if (opening_ == Opening::unanswered && has(segment, detail::tcp_rst) &&
               client_ == other(segment.sender)) {
        opening_ = Opening::refused;
    }
}

TcpQuality::Found TcpQuality::look_at_window(const TcpSegment& segment, End& from,
                                             const End& to) noexcept {
    const bool plain = !has(segment, syn_fin_or_rst);
    const bool in_turn = from.has_next && segment.sequence == from.next;
    Found found;
    if (segment.payload_octets == 1 && in_turn && to.window == 0) {
        found.probe = true;
        return found;
    }
    from.seen.zero_windows += segment.window == 0 && plain ? 1U : 0U;
    if (from.has_next && before(from.next, segment.sequence) && !has(segment, detail::tcp_rst)) {
        ++from.seen.lost_segments;
    }
    if (segment.payload_octets <= 1 && from.has_next && segment.sequence == from.next - 1 &&
        plain) {
        found.keep_alive = true;
        ++from.seen.keep_alives;
    }
    const std::uint32_t scale = to.window_is_scaled ? to.window_scale.value_or(0) : 0U;
    const std::uint32_t edge = to.last_ack + (std::uint32_t{to.window} << std::min(scale, 14U));
    if (segment.payload_octets > 0 && to.sent_syn && plain &&
        segment.sequence + segment.payload_octets == edge) {
        ++from.seen.windows_full;
    }
    const bool repeats = segment.payload_octets == 0 && plain && in_turn &&
                         segment.window == from.window && segment.acknowledgement == from.last_ack;
    if (repeats && segment.window != 0 && to.last_was_keep_alive) {
        found.answers_probe = true;
    } else if (repeats && segment.window == 0 && to.last_was_probe) {
        found.answers_probe = true;
    } else if (repeats && segment.window != 0) {
        ++from.duplicates;
        ++from.seen.duplicate_acks;
    }
    return found;
}

void TcpQuality::look_at_acknowledgement(const TcpSegment& segment, End& from, End& to) noexcept {
    if (segment.acknowledgement != from.last_ack) {
        from.duplicates = 0;
    }
    if (to.has_next && has(segment, detail::tcp_ack) &&
        before(to.continuous, segment.acknowledgement)) {
        ++from.seen.unseen_acknowledged;
        to.continuous = to.next;
    }
}

// Data, SYN or FIN that does not advance the sequence number was sent again, or overtaken.
void TcpQuality::look_at_sequence(const TcpSegment& segment, const Found& found, End& from,
                                  const End& to) const noexcept {
    if ((segment.payload_octets == 0 && !has(segment, syn_or_fin)) || found.keep_alive) {
        return;
    }
    bool behind_next = from.has_next && before(segment.sequence, from.next);
    if (segment.payload_octets > 1 && from.has_next && from.next - 1 == segment.sequence) {
        behind_next = false;  // the octet that a window probe sent before
    }
    const std::uint32_t end = segment.sequence + segment.payload_octets;
    if (segment.payload_octets > 0 && to.last_ack != 0 && !before(to.last_ack, end)) {
        ++from.seen.spurious_retransmissions;
        return;
    }
    if (!behind_next) {
        return;
    }
    if (to.duplicates >= duplicates_min && to.last_ack == segment.sequence &&
        segment.at - to.last_ack_at < fast_within) {
        ++from.seen.fast_retransmissions;
        return;
    }
    const Nanoseconds within =
        first_round_trip_ == Nanoseconds{0} ? overtaken_within : first_round_trip_;
    if (segment.at - from.next_at < within && from.next != behind(segment)) {
        ++from.seen.out_of_order;
        return;
    }
    ++from.seen.retransmissions;
}

void TcpQuality::advance(const TcpSegment& segment, const Found& found, End& from) noexcept {
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
void TcpQuality::time_round_trips(const TcpSegment& segment, End& from, End& to) noexcept {
    if (to.timing && has(segment, detail::tcp_ack)) {
        if (segment.acknowledgement == to.timed) {
            from.round_trips.add(std::max(segment.at - to.timed_at, Nanoseconds{0}));
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

void TcpQuality::note_response(const TcpSegment& segment, End& from, const End& to) noexcept {
    if (segment.payload_octets == 0 || !client_ || from.sent_data) {
        return;
    }
    from.sent_data = true;
    if (segment.sender == *client_) {
        request_at_ = segment.at;
    } else if (to.sent_data && server_response_ == Nanoseconds{0}) {
        server_response_ = std::max(segment.at - request_at_, Nanoseconds{0});
    }
}

}  // namespace tapmeter::flow
