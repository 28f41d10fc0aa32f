#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/packet.h"
#include "pipeline/base/result.h"
#include "pipeline/flow/flow_key.h"
#include "pipeline/inspect/extract/extractor.h"
#include "pipeline/inspect/signature_buffers.h"
#include "pipeline/inspect/signatures.h"

// Runs capture files through our own reader, decoder, extractors and signatures, with a flow table
// that is good enough for tests: no timeouts, no limits.
namespace tapmeter::test_support {

class RulePlayer {
public:
    struct Options {
        // TCP connections whose SYN is not in the capture take part in streams, too.
        bool midstream = false;
    };

    RulePlayer(const inspect::SignatureSet& set, Options options);

    // Plays one capture; its flows are forgotten at the end.
    Result<std::vector<inspect::Alert>> play(const std::string& path);

    const inspect::SignatureCounters& counters() const { return signatures_.counters(); }
    const inspect::Signatures& signatures() const { return signatures_; }

private:
    struct FlowState {
        inspect::extract::FlowReading reading{};
        inspect::SignatureMemory memory{};
        std::array<std::vector<std::byte>, 2> streams;  // by side
        std::array<bool, 2> seen{};
        bool has_session = false;
        bool opened = false;       // a SYN was seen
        bool answered = false;     // and its SYN-ACK
        bool established = false;  // and the ACK of that; true from the packet behind it
        bool client_is_low = true;
        bool sip = false;
        std::uint64_t id = 0;
        decode::Headers headers{};  // of the last packet from the client
        ObservedAt last{};
    };
    // What came with one packet for one side's stream.
    struct Fresh {
        std::size_t octets = 0;
        bool any_named = false;
    };

    void play_packet(const Packet& packet);
    void feed(FlowState& flow, const Packet& packet, const decode::Headers& headers);
    void look(FlowState& flow, const decode::Headers& headers, std::uint8_t side, Bytes network);
    Fresh collect(FlowState& flow, std::uint8_t side);
    void finish_flows();
    void drain();

    inspect::rules::Application application_of(const FlowState& flow) const;

    Options options_;
    inspect::extract::Extractor extractor_;
    std::unique_ptr<inspect::NamedBuffers> named_;
    inspect::Signatures signatures_;
    inspect::AlertRing ring_;
    bool without_packet_ = false;  // streams and messages are looked at, no packet came
    std::vector<inspect::Alert> alerts_;
    std::map<std::array<std::uint8_t, sizeof(flow::FlowKey)>, FlowState> flows_;
};

}  // namespace tapmeter::test_support
