#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pipeline/base/result.h"
#include "pipeline/inspect/rules/parse.h"
#include "pipeline/inspect/signature_compile.h"
#include "pipeline/inspect/signature_ports.h"
#include "pipeline/inspect/signature_prefilter.h"
#include "pipeline/inspect/signature_verifier.h"

namespace tapmeter::inspect {

// One rule as a worker runs it. What most candidates need stands first: one cache line.
struct Signature {
    struct FlowbitStep {
        rules::Flowbit::Operation operation{};
        std::vector<std::uint16_t> bits;
    };
    bool named = false;      // looks into a message of the application
    bool payload = false;    // looks into the payload or the stream
    bool on_stream = false;  // TCP: in the reassembled stream where there is one
    bool on_packet = false;  // in each packet's payload
    bool ends_only = false;  // asks for addresses alone: once for each direction of a flow
    bool is_bare = false;    // beside its buffers it asks for the transport alone
    bool is_told = false;    // the literal that announces it is all that it looks for
    rules::Rule rule;        // without its conditions, which `buffers` holds
    std::vector<BufferSteps> buffers;
    std::vector<FlowbitStep> flowbits;
};

// At most this many buffers in one rule: each has a bit.
inline constexpr std::size_t buffers_per_rule_max = 16;

struct SetSettings {
    CompileLimits limits{};
    std::string cache_folder{};    // empty: nothing is kept
    std::uint32_t generation = 1;  // differs from that of every other set that lives; never 0
};

// What became of the rules, for people.
struct Coverage {
    std::size_t loaded = 0;
    std::vector<rules::LeftOut> left_out;
    std::size_t literals = 0;
    std::size_t expressions = 0;
    std::size_t every_packet = 0;  // rules without anything to look for ahead
    std::size_t databases = 0;
    std::size_t database_octets = 0;
    std::chrono::milliseconds compile_time{};
    bool from_cache = false;
};

// A compiled set of rules: immutable, shared by all workers, replaced as a whole.
class SignatureSet {
public:
    // Control side. Rules that cannot be compiled join those left out; they fail nothing.
    // errors  of compile_scans() and Prefilter::make()
    static Result<std::unique_ptr<const SignatureSet>> build(rules::RuleSet rules,
                                                             const SetSettings& settings);

    std::span<const Signature> signatures() const noexcept { return signatures_; }
    const Prefilter& prefilter() const noexcept { return prefilter_; }
    // By slot_tcp, slot_udp, slot_other.
    const PortIndex& every_packet(std::size_t slot) const noexcept { return by_ports_.at(slot); }
    std::uint32_t generation() const noexcept { return generation_; }
    const Coverage& coverage() const noexcept { return coverage_; }

private:
    SignatureSet(std::vector<Signature> signatures, Prefilter prefilter);

    std::vector<Signature> signatures_;
    Prefilter prefilter_;
    std::array<PortIndex, slot_buffers> by_ports_{};
    std::uint32_t generation_ = 0;
    Coverage coverage_;
};

}  // namespace tapmeter::inspect
