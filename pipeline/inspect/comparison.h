#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "pipeline/base/prefetch.h"
#include "pipeline/base/region.h"
#include "pipeline/base/result.h"
#include "pipeline/base/ring.h"
#include "pipeline/flow/flow.h"
#include "pipeline/inspect/alert.h"
#include "pipeline/inspect/extract/extractor.h"
#include "pipeline/inspect/inspected_packet.h"
#include "pipeline/inspect/inspection_books.h"
#include "pipeline/inspect/part_pool.h"
#include "pipeline/inspect/signature_buffers.h"
#include "pipeline/inspect/signatures.h"
#include "pipeline/inspect/stream_history.h"

namespace tapmeter::inspect {

// Holds signatures against what the packets of flows carry: each packet, the streams that packets
// make, and the parts of messages that an extractor has cut out of them. Bounded for each flow:
// the inspected part of either direction, then nothing.
//
// Flows are named by the state that the inspector gave them. What rules want to be remembered, few
// flows have: a memory for it is taken with the first of it. Where all are taken the flow forgets,
// which is counted: its rules may alert again, and its record does not name them.
//
// One per worker; no locks, and no allocation once it stands.
class Comparison {
public:
    // States that share a memory of rules.
    static constexpr std::size_t states_a_memory = 2;

    struct Settings {
        std::unique_ptr<SignatureKit> kit{};  // what to begin with; never null
        AlertRing* alerts = nullptr;          // outlives the comparison; never null
        std::size_t states_max = 0;
        std::size_t side_octets_max = 0;    // the inspected part: of a stream, or of datagrams
        std::size_t histories_max = 4'096;  // streams that are kept in one piece at one time
        bool midstream = false;             // a stream counts whose beginning was not seen
        std::uint16_t worker = 0;
        bool populate = false;
    };
    // errors  no_memory
    static Result<std::unique_ptr<Comparison>> make(Settings settings);
    // Memory that make() takes, without the kit's.
    static std::uint64_t octets_for(const Settings& settings) noexcept;

    // A flow has got this state.
    void begin(StateIndex state) noexcept { flows_[number_of(state)] = {}; }

    // A packet of this flow will be compared soon: asks memory for what every packet needs.
    void prefetch(StateIndex state) const noexcept {
        tapmeter::prefetch(&flows_[number_of(state)]);
    }

    // One packet, behind extractor.feed() or, where it was not fed, extractor.clear(). False: of
    // this flow nothing more is compared.
    bool compare(const InspectedPacket& packet, const extract::Extractor& extractor,
                 const extract::FlowReading& reading) noexcept;

    // The flow leaves, behind extractor.finish().
    void finish(StateIndex state, const flow::Flow& flow, const extract::Extractor& extractor,
                const extract::FlowReading& reading) noexcept;

    // There are no cycles for this flow any more: counted, once.
    void shed(StateIndex state) noexcept;

    // What the flow has hit so far. Gives back what the state holds.
    SignatureHits hits(StateIndex state) const noexcept;
    void end(StateIndex state) noexcept;

    // Where a burst begins: takes a new set of signatures, if one was offered.
    void turn_burst() noexcept { signatures_.turn_burst(); }
    // Shows alerts to the exporter core.
    void publish() noexcept {
        if (alerts_.unpublished() != 0) {
            alerts_.publish();
        }
    }

    // Memory of a flow that is compared, and what flows share: in use now.
    static std::size_t state_octets() noexcept { return sizeof(Compared); }
    std::size_t octets_shared() const noexcept {
        return histories_.octets_taken() + memories_.taken() * sizeof(SignatureMemory);
    }

    // Control side, for offer() and retired().
    Signatures& signatures() noexcept { return signatures_; }

    // What was counted so far.
    void tell(SignatureBooks& to) const noexcept;

private:
    // What is remembered of one flow. Plain octets, all zero at the start.
    struct alignas(cache_line_octets) Compared {
        std::array<StreamHistory::Place, 2> histories{};
        std::array<std::uint32_t, 2> octets{};  // of the packets that were looked at, by side
        std::uint64_t flow_id = 0;
        ObservedAt last{};
        std::uint32_t memory = 0;  // of its rules: number in the pool; 0: nothing yet
        std::uint16_t observation_point = 0;
        bool opened = false;    // TCP: by a SYN
        bool answered = false;  // by a SYN-ACK
        bool established = false;
        bool is_sip = false;
        rules::Application spoken = rules::Application::unknown;  // by a dissector
        bool over = false;            // shed, or nothing is left to compare
        std::array<bool, 2> seen{};   // has sent something
        std::array<bool, 2> spent{};  // nothing more of this side is looked at
    };
    static_assert(sizeof(Compared) == cache_line_octets);
    // One look: whose packet or stream it is about.
    struct Look {
        const decode::Headers& headers;
        std::uint8_t side;
        bool without_packet;
    };
    struct Fresh {
        Bytes stream{};
        std::size_t octets = 0;  // of it, at its end, that are new
    };
    // What an extractor has just shown.
    struct Shown {
        const extract::Extractor& extractor;
        const extract::FlowReading& reading;
    };

    struct Parts {
        StreamHistory histories;
        PartPool<SignatureMemory> memories;
        Region flows;
    };
    Comparison(Settings& settings, Parts parts);

    void note_opening(Compared& flow, const InspectedPacket& packet) const noexcept;
    void look(Compared& flow, const Look& at, const Shown& shown) noexcept;
    Fresh collect(Compared& flow, std::uint8_t side, const Shown& shown) noexcept;
    void name_parts(const Look& at, rules::Application application, const Shown& shown) noexcept;
    static rules::Application application_of(const Compared& flow,
                                             const extract::FlowReading& reading) noexcept;
    bool in_session(const Compared& flow, std::uint8_t protocol) const noexcept;
    void spend(Compared& flow, const InspectedPacket& packet, const Shown& shown) noexcept;
    SignatureMemory& memory_of(const Compared& flow) noexcept;
    void keep_memory(Compared& flow) noexcept;

    AlertRing& alerts_;
    Signatures signatures_;
    NamedBuffers named_;
    StreamHistory histories_;
    PartPool<SignatureMemory> memories_;
    SignatureMemory nothing_yet_{};  // what flows without a memory remember: nothing, or the first
    Region flows_memory_;
    std::span<Compared> flows_;  // by state
    std::size_t side_octets_max_;
    bool midstream_;
    std::uint64_t flows_shed_ = 0;
    std::uint64_t memories_refused_ = 0;
};

}  // namespace tapmeter::inspect
