#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "pipeline/base/prefetch.h"
#include "pipeline/base/region.h"
#include "pipeline/base/result.h"
#include "pipeline/flow/flow.h"
#include "pipeline/inspect/comparison.h"
#include "pipeline/inspect/extract/extractor.h"
#include "pipeline/inspect/inspected_packet.h"

namespace tapmeter::inspect {

// Reads what the packets of flows carry: extractors keep the facts of each flow, and signatures,
// where there are any, are held against them.
//
// Flows are named by the state that the inspector gave them. One per worker; no locks, and no
// allocation once it stands.
class ContentReader {
public:
    struct Settings {
        std::size_t states_max = 65'536;
        extract::Extractor::Limits extractor{};
        bool populate = false;  // touch every page at the start
    };
    // comparison  null: there are no signatures
    // errors      no_memory, invalid_config
    static Result<std::unique_ptr<ContentReader>> make(const Settings& settings,
                                                       std::unique_ptr<Comparison> comparison);
    // Memory that make() takes.
    static std::uint64_t octets_for(const Settings& settings) noexcept;

    // A flow has got this state.
    void begin(StateIndex state) noexcept;

    // What later packets of a flow are wanted for.
    enum class Wants : std::uint8_t {
        nothing,
        facts,       // an extractor may find more; worth a few packets
        signatures,  // its inspected part is not over
    };

    // A packet of this flow will be read soon: asks memory for what is remembered of it.
    void prefetch(StateIndex state) const noexcept {
        const auto octets = std::as_bytes(readings_.subspan(number_of(state), 1));
        for (std::size_t at = 0; at < octets.size(); at += cache_line_octets) {
            tapmeter::prefetch(octets.subspan(at).data());
        }
        if (comparison_ != nullptr) {
            comparison_->prefetch(state);
        }
    }

    // Reads one packet. True: there may be more facts. compare() belongs next.
    bool read(const InspectedPacket& packet) noexcept;

    // Holds signatures against what read() has brought to light, if there are any.
    // more_facts  as read() said
    // compares    false: there are no cycles for signatures; this flow is not compared any more
    Wants compare(const InspectedPacket& packet, bool more_facts, bool compares) noexcept;

    // The flow leaves, or nobody reads it any further: what waits is read as far as it goes.
    void finish(StateIndex state, const flow::Flow& flow) noexcept;

    // Behind finish(): the state is free, the facts stay until forget(). 0: there are none.
    std::uint32_t detach(StateIndex state) noexcept;
    void forget(std::uint32_t metadata) noexcept { extractor_.forget(metadata); }

    // What was found in the flow so far. Null: nothing.
    const Metadata* metadata(StateIndex state) noexcept;
    const Metadata& metadata_at(std::uint32_t number) const noexcept {
        return extractor_.metadata_at(number);
    }

    // Memory of a flow that is read, and what flows share: in use now.
    std::size_t state_octets() const noexcept {
        return sizeof(extract::FlowReading) +
               (comparison_ != nullptr ? Comparison::state_octets() : 0);
    }
    std::size_t octets_shared() const noexcept {
        const Reassembly& streams = extractor_.streams();
        return streams.windows_taken() * streams.window_octets() +
               (comparison_ != nullptr ? comparison_->octets_shared() : 0);
    }

    // Null: there are no signatures.
    Comparison* comparison() noexcept { return comparison_.get(); }
    const extract::Extractor& extractor() const noexcept { return extractor_; }

private:
    ContentReader(extract::Extractor extractor, Region region, std::size_t states,
                  std::unique_ptr<Comparison> comparison);

    bool feed(const InspectedPacket& packet, extract::FlowReading& reading) noexcept;
    void keep_hits(StateIndex state) noexcept;

    extract::Extractor extractor_;
    Region region_;
    std::span<extract::FlowReading> readings_;  // by state
    std::unique_ptr<Comparison> comparison_;
};

}  // namespace tapmeter::inspect
