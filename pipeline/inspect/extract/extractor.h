#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <variant>

#include "pipeline/base/bytes.h"
#include "pipeline/base/result.h"
#include "pipeline/base/ring.h"
#include "pipeline/base/units.h"
#include "pipeline/inspect/extract/context.h"
#include "pipeline/inspect/extract/dns.h"
#include "pipeline/inspect/extract/findings.h"
#include "pipeline/inspect/extract/first_pass.h"
#include "pipeline/inspect/extract/quic.h"
#include "pipeline/inspect/metadata.h"
#include "pipeline/inspect/part_pool.h"
#include "pipeline/inspect/reassembly.h"

namespace tapmeter::inspect::extract {

// What is remembered of a flow while its packets are read. Plain octets, all zero at the start;
// lives in its owner's pool and goes back through Extractor::close().
struct alignas(cache_line_octets) FlowReading {
    std::array<Stream, 2> streams{};  // by side
    std::array<Place, 2> places{};
    std::variant<QuicPlace, DnsPlace> queries{};  // of a flow that is either; else not used
    std::uint32_t metadata = 0;                   // number in the pool; 0: none
    Protocol protocol = Protocol::unknown;
    bool was_told = false;  // the protocol came from a dissector: the first octets decide nothing
    std::array<bool, 2> done{};
    std::uint8_t datagrams_unknown = 0;
    std::uint8_t later_steps = 0;  // in which a late TLS hello was looked for
};
static_assert(sizeof(FlowReading) == 2 * cache_line_octets);
static_assert(std::is_trivially_copyable_v<FlowReading>);

// One packet of a flow. `side` says which end of the flow sent it: 0 the initiator, 1 the other.
struct PacketIn {
    std::uint8_t protocol = 0;  // 6 or 17; anything else has nothing to read
    std::uint8_t side = 0;
    Ports ports{};
    ObservedAt at{};
    Segment segment{};  // TCP; of UDP only `payload`
};

// Octets of one direction that have just become contiguous, for signatures that read streams.
struct StreamPart {
    Bytes octets{};
    std::uint32_t lost = 0;  // octets before them that never came
    std::uint8_t side = 0;
};

// Reads packets of flows: puts TCP in order, recognises the protocol, keeps facts in Metadata and
// shows whole parts of messages to signatures. One per worker; no locks, no allocation once
// reserved. What is shown lasts until the next call of feed() or finish().
class Extractor {
public:
    struct Limits {
        Reassembly::Limits streams{};
        std::size_t metadata_max = 65'536;  // flows whose facts are kept at one time; 1 and more
        Options options{};
        bool populate = false;  // touch every page of the facts at the start
    };

    // errors  invalid_config: a limit out of its range; no_memory
    static Result<Extractor> reserve(const Limits& limits);

    // Reads one packet. Returns true while there may be more to find in the flow: once it says
    // false only stream parts are still made.
    bool feed(FlowReading& flow, const PacketIn& packet) noexcept;

    // The flow ends: what waits is read as far as it goes. close() must follow.
    void finish(FlowReading& flow, Ports ports) noexcept;

    // Gives back all that the flow holds, its metadata too.
    void close(FlowReading& flow) noexcept;

    // The same, but the facts stay, for whoever has the number: until forget(). 0: there are none.
    std::uint32_t detach(FlowReading& flow) noexcept;
    void forget(std::uint32_t metadata) noexcept { metadata_.release(metadata); }
    const Metadata& metadata_at(std::uint32_t number) const noexcept {
        return metadata_.at(number);
    }

    // The flow's facts, also where none have been found yet; null where all slots are taken.
    Metadata* metadata_for(FlowReading& flow) noexcept;

    // What the last packet showed is over; the next one is none that can be read.
    void clear() noexcept;

    // A dissector knows better: from here on the flow is read as this.
    void set_protocol(FlowReading& flow, Protocol protocol) noexcept;

    const Findings& findings() const noexcept { return *findings_; }
    std::span<const StreamPart> stream_parts() const noexcept {
        return std::span{*parts_}.first(parts_count_);
    }
    // Null as long as nothing was found, or where all slots were taken.
    const Metadata* metadata_of(const FlowReading& flow) const noexcept {
        return flow.metadata == 0 ? nullptr : &metadata_.at(flow.metadata);
    }

    std::uint64_t count_of(ReadEvent event) const noexcept {
        return counters_->at(index_of(event)).read();
    }
    const Reassembly& streams() const noexcept { return reassembly_; }
    std::size_t metadata_taken() const noexcept { return metadata_.taken(); }

private:
    // Steps of two streams at most, each of pieces_max and its gaps.
    static constexpr std::size_t parts_max = 4 * (pieces_max + 2);

    Extractor(Reassembly reassembly, PartPool<Metadata> metadata, const Limits& limits);

    Context context_of(FlowReading& flow, std::uint8_t side) noexcept;
    void recognise(FlowReading& flow, Protocol protocol) noexcept;
    bool begins_again(const FlowReading& flow, const PacketIn& packet) const noexcept;
    void read_steps(FlowReading& flow, std::uint8_t side, Delivery step,
                    const PacketIn& packet) noexcept;
    std::size_t read_step(FlowReading& flow, std::uint8_t side, const Delivery& step,
                          const PacketIn& packet) noexcept;
    bool turns_to_tls(FlowReading& flow, const Delivery& step) noexcept;
    Read read_stream(FlowReading& flow, Bytes unread, bool last, ObservedAt at,
                     Context& context) noexcept;
    void read_datagram(FlowReading& flow, const PacketIn& packet) noexcept;

    Reassembly reassembly_;
    Options options_;
    PartPool<Metadata> metadata_;
    std::unique_ptr<Metadata> spare_;  // takes the facts of flows that got no slot
    std::unique_ptr<Findings> findings_;
    std::unique_ptr<ReadCounters> counters_;
    std::unique_ptr<std::array<StreamPart, parts_max>> parts_;
    std::size_t parts_count_ = 0;
};

}  // namespace tapmeter::inspect::extract
