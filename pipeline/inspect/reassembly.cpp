#include "pipeline/inspect/reassembly.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "pipeline/base/expects.h"

namespace tapmeter::inspect {

namespace {

// How far `sequence` stands before (negative) or behind `origin`, across the wrap at 2^32.
std::int64_t distance(std::uint32_t origin, std::uint32_t sequence) noexcept {
    return static_cast<std::int32_t>(sequence - origin);
}

std::string out_of_range(const char* what, std::size_t value, const std::string& range) {
    return std::string{"inspect: "} + what + " = " + std::to_string(value) + ": must be " + range;
}

}  // namespace

Result<Reassembly> Reassembly::reserve(const Limits& limits) {
    if (limits.window_octets < window_octets_min || limits.window_octets > window_octets_max) {
        return failed(Error::Kind::invalid_config,
                      out_of_range("window_octets", limits.window_octets, "256 to 65,536"));
    }
    constexpr std::size_t windows_limit = std::size_t{1} << 20U;
    if (limits.windows_max == 0 || limits.windows_max > windows_limit) {
        return failed(Error::Kind::invalid_config,
                      out_of_range("windows_max", limits.windows_max, "1 to 1,048,576"));
    }
    auto region = Region::reserve({.octets = limits.window_octets * limits.windows_max});
    if (!region) {
        return tl::unexpected<Error>(region.error());
    }
    return Reassembly{std::move(*region), limits};
}

Reassembly::Reassembly(Region region, const Limits& limits)
    : region_(std::move(region)),
      window_octets_(limits.window_octets),
      waiting_(limits.windows_max),
      free_(limits.windows_max),
      counters_(std::make_unique<Counters>()) {
    std::iota(free_.rbegin(), free_.rend(), 1U);
}

Delivery Reassembly::feed(Stream& stream, const Segment& segment) noexcept {
    if (stream.is_closed) {
        add(StreamEvent::beyond_limit, segment.payload.size());
        return {};
    }
    if (!stream.is_open || (segment.control_bits & tcp::syn) != 0) {
        open(stream, segment);
    }
    const std::uint32_t first_octet =
        segment.sequence + ((segment.control_bits & tcp::syn) != 0 ? 1U : 0U);
    std::int64_t begin =
        std::int64_t{stream.delivered} + distance(stream.next_sequence, first_octet);
    const std::int64_t wire_end =
        begin + std::max<std::int64_t>(segment.wire_octets,
                                       static_cast<std::int64_t>(segment.payload.size()));
    const auto limit = static_cast<std::int64_t>(window_octets_);
    if ((segment.control_bits & tcp::fin) != 0 && !stream.has_end && wire_end <= limit &&
        wire_end >= std::int64_t{stream.delivered}) {
        stream.end = static_cast<std::uint32_t>(wire_end);
        stream.has_end = true;
    }
    const bool is_short = wire_end > begin + static_cast<std::int64_t>(segment.payload.size());
    const Bytes fresh = cut(stream, begin, segment.payload);
    if (is_short && begin <= std::int64_t{stream.delivered} && wire_end <= limit) {
        stream.short_until = std::max(
            stream.short_until, static_cast<std::uint32_t>(std::max<std::int64_t>(wire_end, 0)));
    }
    return fresh.empty() ? next(stream) : take(stream, static_cast<std::uint32_t>(begin), fresh);
}

// The first segment, or a SYN. A SYN that is repeated with another number begins anew as long as
// nothing was handed on; later its number decides where its octets belong.
void Reassembly::open(Stream& stream, const Segment& segment) noexcept {
    const bool is_syn = (segment.control_bits & tcp::syn) != 0;
    if (is_syn && !segment.payload.empty()) {
        add(StreamEvent::syn_with_data, 1);
    }
    if (!stream.is_open && !is_syn) {
        add(StreamEvent::midstream, 1);
    }
    if (!stream.is_open || (stream.delivered == 0 && pieces_of(stream) == 0)) {
        stream.next_sequence = segment.sequence + (is_syn ? 1U : 0U);
        stream.is_open = true;
    }
}

// What of a segment is new and within the limit. Moves `begin`, an offset, to where that stands.
Bytes Reassembly::cut(const Stream& stream, std::int64_t& begin, Bytes octets) noexcept {
    const auto limit = static_cast<std::int64_t>(
        stream.has_end ? std::min<std::size_t>(stream.end, window_octets_) : window_octets_);
    const auto end = begin + static_cast<std::int64_t>(octets.size());
    const std::int64_t delivered = stream.delivered;
    if (begin >= limit || end + limit < 0) {
        add(StreamEvent::beyond_limit, octets.size());
        return {};
    }
    if (end > limit) {
        add(StreamEvent::beyond_limit, static_cast<std::uint64_t>(end - limit));
        octets = octets.first(static_cast<std::size_t>(limit - begin));
    }
    if (begin < delivered) {
        const auto old = std::min(octets.size(), static_cast<std::size_t>(delivered - begin));
        add(StreamEvent::retransmitted, old);
        if (stream.kept_from < stream.delivered && end > std::int64_t{stream.kept_from}) {
            const auto before = static_cast<std::size_t>(
                std::max<std::int64_t>(0, std::int64_t{stream.kept_from} - begin));
            compare(stream, {stream.kept_from, stream.delivered},
                    static_cast<std::uint32_t>(begin + static_cast<std::int64_t>(before)),
                    octets.subspan(std::min(before, octets.size())));
        }
        octets = octets.subspan(old);
        begin += static_cast<std::int64_t>(old);
    }
    return octets;
}

// `octets` are new, at least one, and end within the limit.
Delivery Reassembly::take(Stream& stream, std::uint32_t begin, Bytes octets) noexcept {
    const auto end = static_cast<std::uint32_t>(begin + octets.size());
    add(begin == stream.delivered ? StreamEvent::in_order : StreamEvent::out_of_order, 1);
    const bool reaches_none =
        pieces_of(stream) == 0 || end <= waiting_of(stream).pieces.front().begin;
    if (begin == stream.delivered && stream.kept_from == stream.delivered && reaches_none) {
        stream.kept_from = end;
        return step_to(stream, end, octets);
    }
    return wait(stream, begin, octets);
}

Delivery Reassembly::wait(Stream& stream, std::uint32_t begin, Bytes octets) noexcept {
    if (!has_window(stream)) {
        stream.is_closed = true;
        return tell_end(stream);
    }
    auto& waiting = waiting_of(stream);
    expects(waiting.count <= pieces_max);
    const Piece piece{begin, static_cast<std::uint32_t>(begin + octets.size())};
    store(stream, piece, octets);
    insert(waiting, piece);
    if (waiting.count > pieces_max && waiting.pieces.front().begin > stream.delivered) {
        return skip_to(stream, waiting.pieces.front().begin, StreamEvent::gap_pieces);
    }
    return next(stream);
}

// Copies what no earlier piece has, compares what one has.
void Reassembly::store(const Stream& stream, Piece piece, Bytes octets) noexcept {
    const auto& waiting = waiting_of(stream);
    const auto window = window_of(stream);
    std::uint32_t from = piece.begin;
    for (const Piece& known : std::span{waiting.pieces}.first(waiting.count)) {
        if (known.end <= from) {
            continue;
        }
        if (known.begin >= piece.end) {
            break;
        }
        const std::uint32_t gap_end = std::max(from, known.begin);
        std::ranges::copy(octets.subspan(from - piece.begin, gap_end - from),
                          window.subspan(from).begin());
        const std::uint32_t known_end = std::min(known.end, piece.end);
        add(StreamEvent::retransmitted, known_end - gap_end);
        compare(stream, known, gap_end, octets.subspan(gap_end - piece.begin, known_end - gap_end));
        from = known_end;
    }
    std::ranges::copy(octets.subspan(from - piece.begin), window.subspan(from).begin());
}

// Counts where `octets`, which begin at an offset in `known`, differ from what the window has.
void Reassembly::compare(const Stream& stream, Piece known, std::uint32_t begin,
                         Bytes octets) noexcept {
    const std::size_t count = std::min<std::size_t>(octets.size(), known.end - begin);
    const Bytes first = Bytes{window_of(stream)}.subspan(begin, count);
    std::uint64_t different = 0;
    for (std::size_t i = 0; i < count; ++i) {
        different += first[i] != octets[i] ? 1U : 0U;
    }
    if (different != 0) {
        add(StreamEvent::conflicting, different);
    }
}

void Reassembly::insert(Waiting& waiting, Piece piece) noexcept {
    const auto all = std::span{waiting.pieces};
    std::size_t first = 0;
    while (first < waiting.count && all[first].end < piece.begin) {
        ++first;
    }
    std::size_t behind = first;
    while (behind < waiting.count && all[behind].begin <= piece.end) {
        piece.begin = std::min(piece.begin, all[behind].begin);
        piece.end = std::max(piece.end, all[behind].end);
        ++behind;
    }
    const auto tail = all.subspan(behind, waiting.count - behind);
    if (behind == first) {
        std::ranges::copy_backward(tail, all.subspan(0, waiting.count + 1).end());
    } else {
        std::ranges::copy(tail, all.subspan(first + 1).begin());
    }
    all[first] = piece;
    waiting.count = waiting.count + 1 - (behind - first);
}

Delivery Reassembly::next(Stream& stream) noexcept {
    if (stream.was_told || !stream.is_open) {
        return {};
    }
    if (at_end(stream)) {
        return tell_end(stream);
    }
    if (pieces_of(stream) != 0) {
        auto& waiting = waiting_of(stream);
        const Piece piece = waiting.pieces.front();
        if (piece.begin == stream.delivered) {
            std::ranges::copy(std::span{waiting.pieces}.subspan(1), waiting.pieces.begin());
            --waiting.count;
            // Octets that came before a FIN which says that they cannot be are not handed on.
            return step_to(stream, stream.has_end ? std::min(piece.end, stream.end) : piece.end,
                           {});
        }
        if (stream.is_closed) {
            return skip_to(stream, piece.begin, StreamEvent::gap_end);
        }
        if (stream.short_until > stream.delivered) {
            return skip_to(stream, std::min(stream.short_until, piece.begin),
                           StreamEvent::gap_captured_short);
        }
        return {};
    }
    if (stream.is_closed) {
        return tell_end(stream);
    }
    if (stream.short_until > stream.delivered) {
        return skip_to(stream, stream.short_until, StreamEvent::gap_captured_short);
    }
    return {};
}

bool Reassembly::at_end(const Stream& stream) const noexcept {
    return stream.delivered >= window_octets_ || (stream.has_end && stream.delivered >= stream.end);
}

// Moves on to `delivered`. `octets`: the new ones where they stand in the segment and nothing was
// kept; else they are in the window, behind what was kept.
Delivery Reassembly::step_to(Stream& stream, std::uint32_t delivered, Bytes octets) noexcept {
    Delivery step{.octets = octets, .from_window = octets.empty()};
    if (octets.empty()) {
        step.octets =
            Bytes{window_of(stream)}.subspan(stream.kept_from, delivered - stream.kept_from);
        step.fresh_from = stream.delivered - stream.kept_from;
    }
    stream.next_sequence += delivered - stream.delivered;
    stream.delivered = delivered;
    step.last = at_end(stream);
    stream.is_closed = stream.is_closed || step.last;
    stream.was_told = step.last;
    return step;
}

// Gives up what is missing before `offset`. The consumer sees what it kept for the last time.
Delivery Reassembly::skip_to(Stream& stream, std::uint32_t offset, StreamEvent why) noexcept {
    const std::uint32_t lost = offset - stream.delivered;
    add(why, 1);
    add(StreamEvent::lost, lost);
    const Bytes kept = kept_of(stream);
    stream.next_sequence += lost;
    stream.delivered = offset;
    return {.octets = kept, .fresh_from = kept.size(), .lost = lost, .from_window = true};
}

Delivery Reassembly::tell_end(Stream& stream) noexcept {
    const Bytes kept = kept_of(stream);
    stream.is_closed = true;
    stream.was_told = true;
    return {.octets = kept, .fresh_from = kept.size(), .last = true, .from_window = true};
}

void Reassembly::consumed(Stream& stream, const Delivery& step, std::size_t octets) noexcept {
    if (!step.happened()) {
        return;
    }
    expects(octets <= step.octets.size());
    const Bytes kept = step.octets.subspan(octets);
    if (step.lost != 0 || step.last || kept.empty()) {
        stream.kept_from = stream.delivered;
        if (step.last || pieces_of(stream) == 0) {
            give_back_window(stream);
        }
        return;
    }
    stream.kept_from = stream.delivered - static_cast<std::uint32_t>(kept.size());
    if (step.from_window) {
        return;
    }
    if (!has_window(stream)) {
        stream.kept_from = stream.delivered;
        stream.is_closed = true;  // next() tells
        return;
    }
    std::ranges::copy(kept, window_of(stream).subspan(stream.kept_from).begin());
}

Delivery Reassembly::acknowledged(Stream& stream, std::uint32_t sequence) noexcept {
    if (pieces_of(stream) == 0) {
        return {};
    }
    const std::uint32_t waiting = waiting_of(stream).pieces.front().begin;
    // More than the gap: an acknowledgment that overtook its octets ends where they begin.
    if (distance(stream.next_sequence, sequence) <=
        static_cast<std::int64_t>(waiting - stream.delivered)) {
        return {};
    }
    return skip_to(stream, waiting, StreamEvent::gap_acknowledged);
}

Delivery Reassembly::finish(Stream& stream) noexcept {
    if (!stream.is_open || stream.was_told) {
        return {};
    }
    stream.is_closed = true;
    return next(stream);
}

void Reassembly::close(Stream& stream) noexcept {
    give_back_window(stream);
    stream.kept_from = stream.delivered;
    stream.is_closed = true;
    stream.was_told = true;
}

bool Reassembly::has_window(Stream& stream) noexcept {
    if (stream.window != 0) {
        return true;
    }
    if (free_.empty()) {
        add(StreamEvent::window_exhausted, 1);
        return false;
    }
    stream.window = free_.back();
    free_.pop_back();
    waiting_of(stream).count = 0;
    return true;
}

void Reassembly::give_back_window(Stream& stream) noexcept {
    if (stream.window != 0) {
        free_.push_back(stream.window);  // never grows: it began with all of them
        stream.window = 0;
    }
}

std::span<std::byte> Reassembly::window_of(const Stream& stream) noexcept {
    return region_.octets().subspan((stream.window - 1) * window_octets_, window_octets_);
}

Bytes Reassembly::kept_of(const Stream& stream) noexcept {
    if (stream.kept_from == stream.delivered) {
        return {};
    }
    return Bytes{window_of(stream)}.subspan(stream.kept_from, stream.delivered - stream.kept_from);
}

}  // namespace tapmeter::inspect
