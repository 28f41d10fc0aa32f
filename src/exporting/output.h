#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "pipeline/base/result.h"
#include "pipeline/inspect/alert.h"
#include "pipeline/record_ring.h"
#include "src/exporting/export_lag.h"
#include "src/exporting/metering_report.h"
#include "src/exporting/packet_samples.h"

namespace tapmeter {

struct Config;
class PacketSampler;

}  // namespace tapmeter

namespace tapmeter::exporting {

class AlertEvents;

// Why a flow record that the exporter core took from a ring did not leave through an output.
enum class RecordDropped : std::uint8_t {
    queue_full,  // the output's bounded queue was full: its sender is too slow; the oldest kept
    send_error,  // the socket or file refused the message (errno is logged, at most once a second)
    not_expressible,  // the format has no words for it: IPv6 in NetFlow version 5
    spool_full,       // the spool on disk was full: the oldest of it went, or it took no more
    spool_error,      // the disk refused it, or gave it back broken
    refused,          // the other side looked at it and will not have it; its words are logged
    count,
};
inline constexpr std::size_t record_dropped_reasons =
    static_cast<std::size_t>(RecordDropped::count);
inline constexpr std::array<std::string_view, record_dropped_reasons> record_dropped_names{
    "queue_full", "send_error", "not_expressible", "spool_full", "spool_error", "refused"};

// The account of one output. At every moment, in records and likewise in packets and alerts:
//     taken + recovered + inherited =
//         left_out + elsewhere + handed_on + encoding + queued + spooled + sent + sum(dropped)
// `packets` and `octets` are the sums over both directions of those records (layer 3 octets).
struct RecordTotals {
    std::uint64_t records = 0;
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;
    std::uint64_t alerts = 0;  // which come beside the records
};
struct OutputCounters {
    RecordTotals taken;      // given to the output by the exporter core
    RecordTotals recovered;  // found in the spool at start: taken by a run before
    RecordTotals left_out;   // by the filter or the sampling of this output
    RecordTotals elsewhere;  // another Collector of the group has it
    RecordTotals inherited;  // waited for another Collector of the group, which is away
    RecordTotals handed_on;  // waited here, and went to another Collector of the group
    RecordTotals encoding;   // in a message that is not full yet
    RecordTotals queued;     // in messages that wait for the sending thread
    RecordTotals spooled;    // in messages that wait on disk
    RecordTotals sent;       // accepted by the socket or file
    std::array<RecordTotals, record_dropped_reasons> dropped;
    std::uint64_t messages = 0;        // IPFIX messages, or JSON blocks, sent
    std::uint64_t message_octets = 0;  // their octets
    std::uint64_t templates = 0;       // template sets sent
    std::uint64_t spool_damage = 0;    // places of spool files that could not be read
    bool up = true;                    // the last send succeeded
    ExportLag lag;
    std::string group;  // empty: none
    PacketSamples samples;
};

// One way out of the Exporting Process: a collector, a file. take(), tick() and flush() are called
// by the exporter core alone and never block; sending happens in a thread of the output's own.
class Output {
public:
    Output() = default;
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    virtual ~Output() = default;  // stops the sending thread after what is queued was tried

    virtual std::string_view name() const noexcept = 0;  // "ipfix/main", "json/file"

    // Most records of one take(): few enough that they are still in L2 for the second output, and
    // that a ring gets its slots back soon.
    static constexpr std::size_t records_at_a_time = 256;

    // False: a take() now could lose records because the sender is behind. An exporter whose
    // records come from a file waits then; one that meters live traffic does not ask.
    virtual bool ready() noexcept { return true; }

    // Encodes the records into the current message; full messages go to the queue.
    virtual void take(const RecordBatch& batch) = 0;

    // Whether it tells of names, fingerprints and answers: of inspect::Metadata, but signatures.
    virtual bool takes_metadata() const noexcept { return true; }

    // Alerts of signatures, with the words of their rules; an output that has no form for them
    // takes none.
    virtual void take_alerts(std::span<const inspect::Alert> /*alerts*/,
                             const AlertEvents& /*words*/) {}

    // Called at least every 100 ms: sends what has waited long enough, refreshes templates.
    virtual void tick(std::chrono::steady_clock::time_point now) = 0;

    // At the end: queues the message in progress and waits until the sender has tried everything,
    // at most until `deadline`. What is left then counts as dropped{send_error}.
    virtual void flush(std::chrono::steady_clock::time_point deadline) = 0;

    // Exporter core, about once a second: what the Metering Process says of itself, for outputs
    // that pass it on (RFC 7011 section 4).
    virtual void report(const MeteringReport& /*latest*/) {}

    // Before the workers begin, for one after the other from 0 on: where the worker shows its
    // packets, for outputs that are sent some of them. The output's; null: it is sent none.
    virtual PacketSampler* sampler(std::size_t /*worker*/) { return nullptr; }

    // Any thread: opens its file anew, because a rotation has moved it away; nothing without one.
    virtual void reopen() {}

    // Control side, at a reload: whether what the new configuration says of this output could be
    // applied while it runs. Nothing is changed.
    // errors  invalid_config
    virtual Result<void> check_reload(const Config& /*fresh*/) const { return {}; }
    // The same thread, after that: applies it. Says in a line what changes; empty: nothing.
    virtual std::string reload(const Config& /*fresh*/) { return {}; }

    // Any thread: one consistent account.
    virtual OutputCounters counters() const = 0;
};

}  // namespace tapmeter::exporting
