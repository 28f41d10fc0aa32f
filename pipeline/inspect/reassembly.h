#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/base/counter.h"
#include "pipeline/base/fates.h"
#include "pipeline/base/region.h"
#include "pipeline/base/result.h"

namespace tapmeter::inspect {

// Out-of-order pieces that one direction may have waiting.
inline constexpr std::size_t pieces_max = 32;
// How much of one direction can be inspected at all: offsets into a window are 16 bits wide.
inline constexpr std::size_t window_octets_max = 65'536;
inline constexpr std::size_t window_octets_min = 256;

// What happened to segments and octets of all streams of a worker. Nothing here is an error of the
// program; each is one counter.
enum class StreamEvent : std::uint8_t {
    in_order,            // segments handed on as they came
    out_of_order,        // segments that had to wait for one before them
    retransmitted,       // octets that had been handed on before, or were waiting already
    conflicting,         // octets of those that differ from what came first, where that is known
    midstream,           // streams whose SYN was not seen
    syn_with_data,       // segments (TCP Fast Open and others)
    beyond_limit,        // octets behind the inspected part, or far from it
    gap_pieces,          // gaps skipped: more than pieces_max pieces were waiting
    gap_acknowledged,    // gaps skipped: the receiver has what we never saw
    gap_end,             // gaps skipped: the stream ended
    gap_captured_short,  // gaps skipped: the snap length cut the segment
    lost,                // octets in all those gaps
    window_exhausted,    // streams given up: no window was free
    count,
};
inline constexpr std::size_t stream_events = static_cast<std::size_t>(StreamEvent::count);
inline constexpr std::array<std::string_view, stream_events> stream_event_names{
    "in_order",           "out_of_order", "retransmitted",   "conflicting",      "midstream",
    "syn_with_data",      "beyond_limit", "gap_pieces",      "gap_acknowledged", "gap_end",
    "gap_captured_short", "lost",         "window_exhausted"};

// What TCP says of one packet (RFC 9293 §3.1).
struct Segment {
    std::uint32_t sequence = 0;        // of the SYN where there is one, else of the first octet
    std::uint32_t acknowledgment = 0;  // only with the ACK bit
    std::uint16_t control_bits = 0;
    // Payload octets on the wire; more than `payload` where a snap length cut it.
    std::uint32_t wire_octets = 0;
    Bytes payload{};
};

namespace tcp {
inline constexpr std::uint16_t fin = 1U << 0U;
inline constexpr std::uint16_t syn = 1U << 1U;
inline constexpr std::uint16_t rst = 1U << 2U;
inline constexpr std::uint16_t ack = 1U << 4U;
}  // namespace tcp

// One direction of a TCP connection, as plain octets: lives in its owner's memory, all zero at
// the start, and goes back by Reassembly::close(). Offsets count from the first octet seen.
struct Stream {
    std::uint32_t next_sequence = 0;  // of the octet at `delivered`
    std::uint32_t delivered = 0;      // offset behind what was handed on or skipped
    std::uint32_t kept_from = 0;      // offset of what the consumer wants to see again
    std::uint32_t window = 0;         // index + 1; 0: none
    std::uint32_t end = 0;            // offset of the FIN; only with `has_end`
    std::uint32_t short_until = 0;    // octets before this offset were cut by the snap length
    bool is_open = false;
    bool has_end = false;
    bool is_closed = false;  // nothing more is taken: ended, given up, or the limit was reached
    bool was_told = false;   // the consumer heard `last`
};
static_assert(sizeof(Stream) == 28);
static_assert(std::is_trivially_copyable_v<Stream>);

// A step of a stream, for its consumer.
struct Delivery {
    // Everything that the consumer has not consumed, contiguous: what it kept, then what is new.
    // Valid until the next call for this stream, or as long as the segment's payload.
    Bytes octets{};
    std::size_t fresh_from = 0;  // the new octets begin here
    std::uint32_t lost = 0;      // octets that will never come, right behind `octets`
    bool last = false;           // nothing follows: end of the stream, limit, or given up
    bool from_window = false;

    bool happened() const noexcept { return fresh_from < octets.size() || lost != 0 || last; }
};

// Puts the segments of TCP streams in order, within bounds. One per worker; no locks.
//
// Policies
//   overlap            first wins: an octet that came once is never replaced, whatever the system
//                      behind the tap may do; octets that differ are counted
//   limit              the first window_octets of a direction are handed on, the rest is counted
//   gap                waits until the receiver acknowledges octets behind it, more than pieces_max
//                      pieces wait behind it, or the stream ends; then it is skipped and the
//                      consumer told
//   no free window     the stream is given up and counted; its consumer hears `last`
//
// In-order segments are handed on without a copy. A window, which holds a direction's inspected
// part, is taken from the pool only while something waits behind a gap or the consumer keeps the
// beginning of a message whose end has not come.
class Reassembly {
public:
    struct Limits {
        std::size_t window_octets = std::size_t{16} << 10U;  // window_octets_min to _max
        std::size_t windows_max = 1'024;                     // 1 and more
    };

    // Takes all memory: window_octets × windows_max.
    // errors  invalid_config: a limit out of its range; no_memory
    static Result<Reassembly> reserve(const Limits& limits);

    // Takes one segment, for the first step that it makes possible; next() gives the others. Each
    // step must be answered by consumed() before the next call for this stream.
    Delivery feed(Stream& stream, const Segment& segment) noexcept;
    Delivery next(Stream& stream) noexcept;

    // The consumer is done with the first `octets` of the step; the rest it wants to see again,
    // followed by what comes then. Behind a loss or at the end nothing is kept.
    void consumed(Stream& stream, const Delivery& step, std::size_t octets) noexcept;

    // The other direction acknowledged everything before `sequence`: what is missing there was
    // lost on our side. Gives the first step, as feed().
    Delivery acknowledged(Stream& stream, std::uint32_t sequence) noexcept;

    // Nothing more will come: RST, end of the flow, or a budget is spent. Gives the first step, as
    // feed(): what waited behind gaps comes with next().
    Delivery finish(Stream& stream) noexcept;

    // Drops all that the stream holds. For a stream that is not fed any more.
    void close(Stream& stream) noexcept;

    std::uint64_t count_of(StreamEvent event) const noexcept {
        return counters_->at(index_of(event)).read();
    }
    std::size_t windows_taken() const noexcept { return waiting_.size() - free_.size(); }
    std::size_t window_octets() const noexcept { return window_octets_; }

private:
    // Octets of a window that wait behind a gap: [begin, end), offsets.
    struct Piece {
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
    };
    // Sorted and apart. One more than may wait, so that a piece is first put in, then judged.
    struct Waiting {
        std::array<Piece, pieces_max + 1> pieces{};
        std::size_t count = 0;
    };
    using Counters = std::array<Counter, stream_events>;

    Reassembly(Region region, const Limits& limits);

    void add(StreamEvent event, std::uint64_t amount) noexcept {
        (*counters_)[index_of(event)].add(amount);
    }
    void open(Stream& stream, const Segment& segment) noexcept;
    bool has_window(Stream& stream) noexcept;
    void give_back_window(Stream& stream) noexcept;
    std::span<std::byte> window_of(const Stream& stream) noexcept;
    Waiting& waiting_of(const Stream& stream) noexcept { return waiting_[stream.window - 1]; }
    std::size_t pieces_of(const Stream& stream) noexcept {
        return stream.window == 0 ? 0 : waiting_of(stream).count;
    }
    bool at_end(const Stream& stream) const noexcept;
    Delivery take(Stream& stream, std::uint32_t begin, Bytes octets) noexcept;
    Delivery wait(Stream& stream, std::uint32_t begin, Bytes octets) noexcept;
    Bytes cut(const Stream& stream, std::int64_t& begin, Bytes octets) noexcept;
    void store(const Stream& stream, Piece piece, Bytes octets) noexcept;
    void compare(const Stream& stream, Piece known, std::uint32_t begin, Bytes octets) noexcept;
    static void insert(Waiting& waiting, Piece piece) noexcept;
    Delivery step_to(Stream& stream, std::uint32_t delivered, Bytes octets) noexcept;
    Delivery skip_to(Stream& stream, std::uint32_t offset, StreamEvent why) noexcept;
    Delivery tell_end(Stream& stream) noexcept;
    Bytes kept_of(const Stream& stream) noexcept;

    Region region_;
    std::size_t window_octets_;
    std::vector<Waiting> waiting_;     // by window
    std::vector<std::uint32_t> free_;  // windows, the last one used first: it is still in the cache
    std::unique_ptr<Counters> counters_;
};

}  // namespace tapmeter::inspect
