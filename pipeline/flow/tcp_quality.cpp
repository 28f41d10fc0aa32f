#include "pipeline/flow/tcp_quality.h"

#include <algorithm>
#include <limits>

namespace tapmeter::flow {

namespace {

using namespace std::chrono_literals;
using detail::before;

// tshark's thresholds: a resent segment this soon behind its duplicate ACKs is a fast
// retransmission; one this soon behind the newest octets was overtaken, unless the connection's own
// round trip is known, which replaces it.
constexpr Nanoseconds fast_within = 20ms;
constexpr Nanoseconds overtaken_within = 3ms;
constexpr std::uint16_t duplicates_min = 2;

// RFC 7323 §2.3: a larger one is taken for this.
constexpr std::uint8_t window_scale_max = 14;

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

}  // namespace

void TcpQuality::see_any(const TcpSegment& segment) noexcept {
    begin_again(segment);
    if (is_first_syn(segment)) {
        open(segment);
        return;
    }
    note_handshake(segment);
    Found found = look_at_window(segment);
    look_at_acknowledgement(segment, found);
    look_at_sequence(segment, found);
    time_round_trips(segment);
    note_response(segment);
    advance(segment, found);
    keep_last(segment, found);
    judge();
}

// Nothing is known of the connection yet, and its client asks for it.
bool TcpQuality::is_first_syn(const TcpSegment& segment) const noexcept {
    constexpr unsigned looked_at = syn_fin_or_rst | detail::tcp_ack;
    return (opened_.said[0] | opened_.said[1]) == 0 && segment.payload_octets == 0 &&
           (segment.control_bits & looked_at) == detail::tcp_syn;
}

// What the steps of see_any() come to where there is nothing to compare with.
void TcpQuality::open(const TcpSegment& segment) noexcept {
    const std::size_t from = index(segment.sender);
    say(TcpSaid::first, segment.sender);
    opened_.first[from] = segment.sequence;
    note_syn(segment);
    note_opening(segment);
    line_.next[from] = line_.timed[from] = behind(segment);
    line_.next_at[from] = line_.timed_at[from] = segment.at;
    line_.window[from] = segment.window;
    line_.last_ack[from] = segment.acknowledgement;
    set(TcpFlag::has_next | TcpFlag::timing, segment.sender, true);
}

RoundTrips TcpQuality::round_trips(Sender towards) const noexcept {
    const std::size_t end = index(towards);
    return (line_.flags & TcpFlag::trips) == 0 ? RoundTrips{}
                                               : RoundTrips{.samples = trips_.samples[end],
                                                            .min = trips_.min[end],
                                                            .max = trips_.max[end],
                                                            .sum = trips_.sum[end]};
}

// The lines that are cleared once there is something to write.
TcpSideQuality& TcpQuality::count(Sender sender) noexcept {
    if (is_uneventful()) {
        line_.flags |= TcpFlag::counts;
        events_.seen = {};
    }
    return events_.seen[index(sender)];
}

TcpTrips& TcpQuality::trips() noexcept {
    if ((line_.flags & TcpFlag::trips) == 0) {
        line_.flags |= TcpFlag::trips;
        trips_ = {};
    }
    return trips_;
}

void TcpQuality::add_round_trip(Sender towards, Nanoseconds time) noexcept {
    const std::size_t end = index(towards);
    TcpTrips& to = trips();
    to.min[end] = to.samples[end] == 0 ? time : std::min(to.min[end], time);
    to.max[end] = std::max(to.max[end], time);
    to.sum[end] += time;
    ++to.samples[end];
}

void TcpQuality::clear_counts() noexcept {
    if ((line_.flags & TcpFlag::trips) != 0) {
        trips_ = {.initial = trips_.initial};
    }
    line_.flags = static_cast<std::uint16_t>(line_.flags & ~TcpFlag::counts);
}

// A SYN with another initial sequence number opens another connection between the same ports: what
// was counted stays, what was known of sequence numbers is forgotten.
void TcpQuality::begin_again(const TcpSegment& segment) noexcept {
    const bool opens = has(segment, detail::tcp_syn) && !has(segment, detail::tcp_ack);
    if (!opens || !has_said(TcpSaid::first, segment.sender) ||
        opened_.first[index(segment.sender)] == segment.sequence) {
        return;
    }
    constexpr unsigned of_counts = TcpFlag::trips | TcpFlag::counts;
    line_ = {.flags = static_cast<std::uint16_t>(line_.flags & of_counts), .pauses = line_.pauses};
    opened_ = {.client_round_trip_us = opened_.client_round_trip_us,
               .server_round_trip_us = opened_.server_round_trip_us,
               .server_response_us = opened_.server_response_us,
               .complete = opened_.complete};
}

void TcpQuality::skip() noexcept {
    constexpr std::uint8_t of_last = TcpSaid::keep_alive | TcpSaid::probe;
    for (const Sender end : {Sender::low, Sender::high}) {
        for (const unsigned flag :
             {TcpFlag::has_next, TcpFlag::timing, TcpFlag::gap, TcpFlag::odd, TcpFlag::steady}) {
            set(flag, end, false);
        }
        say(of_last, end, false);
        line_.last_ack[index(end)] = 0;
    }
    opened_.complete = false;
}

void TcpQuality::note_handshake(const TcpSegment& segment) noexcept {
    const Sender from = segment.sender;
    const Sender to = other(from);
    const bool syn = has(segment, detail::tcp_syn);
    const bool ack = has(segment, detail::tcp_ack);
    if (!has_said(TcpSaid::first, from)) {
        opened_.first[index(from)] = syn ? segment.sequence : segment.sequence - 1;
        say(TcpSaid::first, from);
    }
    if (!has_said(TcpSaid::first, to) && ack) {
        opened_.first[index(to)] = segment.acknowledgement - 1;
        say(TcpSaid::first, to);
    }
    if (ack && !syn && opened_.has_client && opened_.first_round_trip == Nanoseconds{0}) {
        opened_.first_round_trip = segment.at - opened_.syn_at;
        if (initial_round_trip() == Nanoseconds{0}) {
            trips().initial = opened_.first_round_trip;
        }
    }
    if (syn) {
        note_syn(segment);
    }
    note_opening(segment);
}

void TcpQuality::note_syn(const TcpSegment& segment) noexcept {
    constexpr unsigned bits = 4;
    const std::size_t from = index(segment.sender);
    const std::uint8_t scale = segment.window_scale.value_or(0);
    say(TcpSaid::syn, segment.sender);
    say(TcpSaid::window_scale, segment.sender, segment.window_scale.has_value());
    opened_.window_scale[from] = scale;
    opened_.segment_octets_max[from] = segment.segment_octets_max.value_or(0);
    const unsigned others = line_.scales & ~(0xfU << (bits * from));
    line_.scales = static_cast<std::uint8_t>(
        others | (unsigned{std::min(scale, window_scale_max)} << (bits * from)));
}

void TcpQuality::note_opening(const TcpSegment& segment) noexcept {
    const bool syn = has(segment, detail::tcp_syn);
    const bool ack = has(segment, detail::tcp_ack);
    const bool reset = has(segment, detail::tcp_rst);
    Opening& opening = opened_.opening;
    if (syn && !ack) {
        opened_.syn_at = segment.at;
        opened_.client = segment.sender;
        opened_.has_client = true;
        opening = opening == Opening::unknown ? Opening::unanswered : opening;
    } else if (syn && is_server(segment.sender)) {
        opened_.syn_ack_at = segment.at;
        opening = opening == Opening::unanswered ? Opening::half_open : opening;
        if (opened_.server_round_trip_us == 0) {
            opened_.server_round_trip_us = microseconds_of(segment.at - opened_.syn_at);
        }
    } else if (opening == Opening::half_open && ack && is_client(segment.sender) && !reset) {
        opening = Opening::established;
        if (opened_.client_round_trip_us == 0) {
            opened_.client_round_trip_us = microseconds_of(segment.at - opened_.syn_ack_at);
            opened_.server_round_trip_us = microseconds_of(opened_.syn_ack_at - opened_.syn_at);
        }
    } else if (opening == Opening::unanswered && reset && is_server(segment.sender)) {
        opening = Opening::refused;
    }
}

TcpQuality::Found TcpQuality::look_at_window(const TcpSegment& segment) noexcept {
    const Sender from = segment.sender;
    const Sender to = other(from);
    const std::uint32_t next = line_.next[index(from)];
    const bool has_next = is(TcpFlag::has_next, from);
    const bool plain = !has(segment, syn_fin_or_rst);
    const bool in_turn = has_next && segment.sequence == next;
    Found found{.duplicates = duplicates(from)};
    if (segment.payload_octets == 1 && in_turn && line_.window[index(to)] == 0) {
        found.probe = true;
        return found;
    }
    if (segment.window == 0 && plain) {
        ++count(from).zero_windows;
    }
    if (has_next && before(next, segment.sequence) && !has(segment, detail::tcp_rst)) {
        ++count(from).lost_segments;
    }
    if (segment.payload_octets <= 1 && has_next && segment.sequence == next - 1 && plain) {
        found.keep_alive = true;
        ++count(from).keep_alives;
    }
    if (segment.payload_octets > 0 && has_said(TcpSaid::syn, to) && plain &&
        segment.sequence + segment.payload_octets == window_edge(to)) {
        ++count(from).windows_full;
    }
    const bool repeats = segment.payload_octets == 0 && plain && in_turn &&
                         segment.window == line_.window[index(from)] &&
                         segment.acknowledgement == line_.last_ack[index(from)];
    const std::uint8_t probed = segment.window != 0 ? TcpSaid::keep_alive : TcpSaid::probe;
    if (repeats && has_said(probed, to)) {
        found.answers_probe = true;
    } else if (repeats && segment.window != 0) {
        found.duplicates = static_cast<std::uint16_t>(std::min(found.duplicates + 1, 0xffff));
        ++count(from).duplicate_acks;
    }
    return found;
}

void TcpQuality::look_at_acknowledgement(const TcpSegment& segment, Found& found) noexcept {
    const Sender to = other(segment.sender);
    if (segment.acknowledgement != line_.last_ack[index(segment.sender)]) {
        found.duplicates = 0;
    }
    if (is(TcpFlag::has_next, to) && has(segment, detail::tcp_ack) &&
        before(continuous(to), segment.acknowledgement)) {
        ++count(segment.sender).unseen_acknowledged;
        set(TcpFlag::gap, to, false);
    }
}

// Data, SYN or FIN that does not advance the sequence number was sent again, or overtaken.
void TcpQuality::look_at_sequence(const TcpSegment& segment, const Found& found) noexcept {
    if ((segment.payload_octets == 0 && !has(segment, syn_or_fin)) || found.keep_alive) {
        return;
    }
    const std::size_t from = index(segment.sender);
    const Sender to = other(segment.sender);
    const std::uint32_t last_ack = line_.last_ack[index(to)];
    const bool has_next = is(TcpFlag::has_next, segment.sender);
    bool behind_next = has_next && before(segment.sequence, line_.next[from]);
    if (segment.payload_octets > 1 && has_next && line_.next[from] - 1 == segment.sequence) {
        behind_next = false;  // the octet that a window probe sent before
    }
    const std::uint32_t end = segment.sequence + segment.payload_octets;
    if (segment.payload_octets > 0 && last_ack != 0 && !before(last_ack, end)) {
        ++count(segment.sender).spurious_retransmissions;
        return;
    }
    if (!behind_next) {
        return;
    }
    if (duplicates(to) >= duplicates_min && last_ack == segment.sequence &&
        segment.at - events_.last_ack_at[index(to)] < fast_within) {
        ++count(segment.sender).fast_retransmissions;
        return;
    }
    const Nanoseconds within =
        opened_.first_round_trip == Nanoseconds{0} ? overtaken_within : opened_.first_round_trip;
    if (segment.at - line_.next_at[from] < within && line_.next[from] != behind(segment)) {
        ++count(segment.sender).out_of_order;
        return;
    }
    ++count(segment.sender).retransmissions;
}

// Karn: what was sent again is not timed, because nobody knows which of both is acknowledged.
void TcpQuality::time_round_trips(const TcpSegment& segment) noexcept {
    if (has(segment, detail::tcp_ack)) {
        end_round_trip(segment);
    }
    const std::size_t from = index(segment.sender);
    const bool timing = is(TcpFlag::timing, segment.sender);
    const bool advances =
        !is(TcpFlag::has_next, segment.sender) || before(line_.next[from], behind(segment));
    const bool carries = segment.payload_octets != 0 || has(segment, syn_or_fin);
    if (timing && carries && !advances) {
        set(TcpFlag::timing, segment.sender, false);
    } else if (!timing && carries && advances) {
        set(TcpFlag::timing, segment.sender, true);
        line_.timed[from] = behind(segment);
        line_.timed_at[from] = segment.at;
    }
}

void TcpQuality::note_response(const TcpSegment& segment) noexcept {
    if (segment.payload_octets == 0 || !opened_.has_client ||
        has_said(TcpSaid::data, segment.sender)) {
        return;
    }
    say(TcpSaid::data, segment.sender);
    if (segment.sender == opened_.client) {
        opened_.request_at = segment.at;
    } else if (has_said(TcpSaid::data, other(segment.sender)) && opened_.server_response_us == 0) {
        opened_.server_response_us = microseconds_of(segment.at - opened_.request_at);
    }
}

void TcpQuality::advance(const TcpSegment& segment, const Found& found) noexcept {
    const std::size_t from = index(segment.sender);
    if (!found.probe) {
        const std::uint32_t next = behind(segment);
        const std::uint32_t reached = continuous(segment.sender);
        const bool closes = !is(TcpFlag::has_next, segment.sender) || segment.sequence == reached;
        if (!is(TcpFlag::has_next, segment.sender) || before(line_.next[from], next)) {
            line_.next[from] = next;
            line_.next_at[from] = segment.at;
            set(TcpFlag::has_next, segment.sender, true);
        }
        const bool gap = !closes && reached != line_.next[from];
        set(TcpFlag::gap, segment.sender, gap);
        if (gap) {
            events_.continuous[from] = reached;
        }
    }
    line_.window[from] = segment.window;
    line_.last_ack[from] = segment.acknowledgement;
    set(TcpFlag::scaled, segment.sender, !has(segment, detail::tcp_syn));
}

// What the next segments are compared with, and no plain one leaves.
void TcpQuality::keep_last(const TcpSegment& segment, const Found& found) noexcept {
    const std::size_t from = index(segment.sender);
    say(TcpSaid::keep_alive, segment.sender, found.keep_alive);
    say(TcpSaid::probe, segment.sender, found.probe);
    const bool odd = found.keep_alive || found.probe || found.duplicates != 0;
    set(TcpFlag::odd, segment.sender, odd);
    if (odd) {
        events_.duplicates[from] = found.duplicates;
        events_.last_ack_at[from] = segment.at;
    }
}

// Whether the next segment of either end may be a plain one.
void TcpQuality::judge() noexcept {
    const bool both_known =
        has_said(TcpSaid::first, Sender::low) && has_said(TcpSaid::first, Sender::high);
    const bool timed = !opened_.has_client || opened_.first_round_trip != Nanoseconds{0};
    const bool gapless = !is(TcpFlag::gap, Sender::low) && !is(TcpFlag::gap, Sender::high);
    const bool settled = both_known && timed && gapless && opened_.opening != Opening::half_open;
    for (const Sender end : {Sender::low, Sender::high}) {
        set(TcpFlag::steady, end, settled && is(TcpFlag::has_next, end) && !is(TcpFlag::odd, end));
        set(TcpFlag::spoke, end, !opened_.has_client || has_said(TcpSaid::data, end));
    }
}

}  // namespace tapmeter::flow
