#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "pipeline/base/counter.h"
#include "pipeline/base/result.h"
#include "pipeline/inspect/alert.h"
#include "pipeline/inspect/inspected.h"
#include "pipeline/inspect/signature_packet.h"
#include "pipeline/inspect/signature_prefilter.h"
#include "pipeline/inspect/signature_set.h"
#include "pipeline/inspect/signature_threshold.h"
#include "pipeline/inspect/signature_verifier.h"

namespace tapmeter::inspect {

// What a worker needs to run one set: made by the control side, handed over whole.
class SignatureKit {
public:
    // errors  no_memory
    static Result<std::unique_ptr<SignatureKit>> make(const SignatureSet& set);

    const SignatureSet& set() const noexcept { return *set_; }

private:
    friend class Signatures;
    SignatureKit(const SignatureSet& set, Prefilter::Scratch scratch);

    const SignatureSet* set_;
    Prefilter::Scratch scratch_;
    Candidates candidates_;
    Verifier verifier_;
};

// What signatures did on one worker. One writer; any thread may read.
struct SignatureCounters {
    Counter packets{};     // inspected
    Counter octets{};      // payload and stream octets that were scanned
    Counter candidates{};  // rules that a scan made worth a closer look
    Counter matches{};     // rules that held
    Counter passed{};      // packets on which a pass rule ended it
    Counter raised{};      // = emitted + refused + suppressed
    Counter emitted{};
    Counter refused{};     // the alert ring was full
    Counter suppressed{};  // by threshold or detection_filter
    Counter silent{};      // matches of rules with noalert; raise nothing
    Counter scans_cut{};   // stopped at Prefilter::callbacks_max
    Counter candidates_left_out{};
    Counter gave_up{};        // a verification reached its limit
    Counter partials_lost{};  // a flow had more half-met rules than it can remember
    Counter not_tracked{};    // no place to count for a threshold: the alert was emitted
    Counter reloads{};
};

// Looks for signatures in the packets of one worker. No allocation, lock or system call once it
// stands; every packet's work is bounded by the limits of Prefilter, Candidates and Verifier.
class Signatures {
public:
    // kit  what to begin with; never null
    Signatures(std::unique_ptr<SignatureKit> kit, std::uint16_t worker);
    ~Signatures();
    Signatures(const Signatures&) = delete;
    Signatures& operator=(const Signatures&) = delete;

    // Worker. Looks at one packet; alerts go into `ring`, unpublished. Returns how many rules held.
    unsigned inspect(const Inspected& packet, AlertRing& ring) noexcept;

    // Worker, where a burst begins: takes what offer() left. From then on the new set is active.
    void turn_burst() noexcept;

    // Control side, one thread. The worker takes it at its next burst; a kit that it has not taken
    // yet comes back at once, one that it is done with by retired().
    std::unique_ptr<SignatureKit> offer(std::unique_ptr<SignatureKit> kit) noexcept;
    std::unique_ptr<SignatureKit> retired() noexcept;

    const SignatureCounters& counters() const noexcept { return counters_; }
    // Worker, or any thread while the worker stands still.
    const SignatureSet& set() const noexcept { return kit_->set(); }

private:
    // What has been scanned for literals of payloads, if it was one piece.
    enum class Scanned : std::uint8_t { several, payload, stream };
    // What a rule is held against.
    struct View {
        const Inspected& packet;
        const PacketHeaders& headers;
        std::span<const NamedOctets> named{};  // of one message; empty: packet and stream
        std::uint16_t message = 0;
        bool in_message = false;
        Scanned scanned = Scanned::several;
    };
    enum class Held : std::uint8_t { no, in_packet, in_stream, in_message };

    void look_at_packet(const Inspected& packet, const PacketHeaders& headers,
                        AlertRing& ring) noexcept;
    void look_at_messages(const Inspected& packet, const PacketHeaders& headers,
                          AlertRing& ring) noexcept;
    Scanned scan_payload(const Inspected& packet) noexcept;
    void weigh(const View& view, AlertRing& ring) noexcept;

    static bool is_over(std::uint32_t index, const Signature& signature, const View& view) noexcept;
    Held holds(std::uint32_t index, const View& view) noexcept;
    Held payload_holds(const Signature& signature, const View& view) noexcept;
    bool message_holds(std::uint32_t index, const Signature& signature, const View& view) noexcept;
    bool buffer_holds(const BufferSteps& steps, const View& view, bool& there) noexcept;
    void remember(std::uint32_t index, const View& view, std::uint16_t met) noexcept;

    void matched(std::uint32_t index, Held held, const View& view, AlertRing& ring) noexcept;
    void raise(std::uint32_t index, Held held, const View& view, AlertRing& ring) noexcept;
    void renew(SignatureMemory* memory) const noexcept;
    void publish_limits() noexcept;

    std::unique_ptr<SignatureKit> kit_;
    ThresholdTable thresholds_;
    std::uint16_t worker_;
    bool passed_ = false;  // a pass rule held on this packet
    unsigned held_ = 0;    // rules that held on this packet
    SignatureCounters counters_;

    // The hand-over: one kit each way, owned by whoever takes it out.
    alignas(cache_line_octets) std::atomic<SignatureKit*> offered_{nullptr};
    std::atomic<SignatureKit*> retired_{nullptr};
};

}  // namespace tapmeter::inspect
