#pragma once

#include <tsl/robin_map.h>

#include <array>
#include <vector>

#include "pipeline/base/published.h"
#include "pipeline/flow/flow_hash.h"
#include "pipeline/inspect/application_names.h"
#include "src/exporting/alert_event.h"
#include "src/exporting/output.h"
#include "src/verbs/table.h"

namespace tapmeter::verbs {

// Hosts counted one by one; those that come after so many are summed as "other hosts".
inline constexpr std::size_t summary_hosts_max = std::size_t{1} << 18U;
// Likewise; later ones are only counted.
inline constexpr std::size_t summary_streams_max = std::size_t{1} << 16U;

// What was in the traffic, for people: an output that keeps totals by host and by protocol. The
// exporter core feeds it; the tables may be read after flush().
class Summary final : public exporting::Output {
public:
    // counts_hosts  false: only protocols and applications
    // names         what applications are called; outlives the summary. Null: nobody asks
    explicit Summary(bool counts_hosts = true, const inspect::ApplicationNames* names = nullptr);

    std::string_view name() const noexcept override { return "summary"; }
    bool takes_metadata() const noexcept override { return false; }
    void take(const RecordBatch& batch) override;
    void take_alerts(std::span<const inspect::Alert> alerts,
                     const exporting::AlertEvents& words) override;
    void tick(std::chrono::steady_clock::time_point) override {}
    void flush(std::chrono::steady_clock::time_point) override {}
    // Nothing is queued: what is taken is counted at once.
    exporting::OutputCounters counters() const override;

    // The `top` hosts with the most octets, sent and received.
    Table hosts(std::size_t top) const;
    Table protocols() const;
    // The `top` applications with the most octets.
    Table applications(std::size_t top) const;
    // The `top` signatures with the most alerts.
    Table signatures(std::size_t top) const;
    // The `top` RTP streams with the most jitter, on average over their packets; where [analytics]
    // looks at RTP. One of an unknown clock has none.
    Table streams(std::size_t top) const;

private:
    struct Tally {
        std::uint64_t records = 0;
        std::uint64_t packets_out = 0;
        std::uint64_t packets_in = 0;
        std::uint64_t octets_out = 0;
        std::uint64_t octets_in = 0;
    };
    struct Host {
        decode::Address address{};
        std::uint8_t ip_version = 0;
        bool operator==(const Host&) const = default;
    };
    // Keyed, so that no capture can be made to fill one place of the map.
    struct HostHash {
        flow::HashKey secret{};
        std::size_t operator()(const Host& host) const noexcept;
    };

    struct Hits {
        std::uint64_t alerts = 0;
        std::uint8_t severity = 0;
        std::string message;  // as the rule says it
    };

    // One source of RTP in one direction of a flow (RFC 3550 section 3).
    struct StreamName {
        std::uint64_t flow_id = 0;
        std::uint32_t source = 0;  // SSRC
        bool is_reverse = false;
        bool operator==(const StreamName&) const = default;
    };
    struct StreamHash {
        flow::HashKey secret{};
        std::size_t operator()(const StreamName& name) const noexcept;
    };
    struct Stream {
        std::string from;  // address and port
        std::string to;
        std::uint32_t payload_type = 0;
        std::uint64_t packets = 0;
        std::uint64_t lost = 0;
        std::uint64_t jitter_us = 0;  // the mean of each record, times its packets
        std::uint32_t jitter_max_us = 0;
        bool has_clock = false;

        std::uint64_t jitter_mean_us() const noexcept {
            return packets == 0 ? 0 : jitter_us / packets;
        }
    };

    void add(const flow::FlowRecord& record, const flow::PayloadReport& report);
    void add(const Host& host, const flow::Side& sent, const flow::Side& received);
    static void add(Tally& tally, const flow::Side& sent, const flow::Side& received);
    std::string name_of(std::uint32_t label) const;

    bool counts_hosts_;
    tsl::robin_map<Host, Tally, HostHash> hosts_;
    Tally other_hosts_;
    std::array<Tally, 256> protocols_{};
    const inspect::ApplicationNames* names_;
    tsl::robin_map<std::uint32_t, Tally> applications_;  // by both numbers of the label
    tsl::robin_map<std::uint64_t, Hits> signatures_;     // by gid and sid
    tsl::robin_map<StreamName, Stream, StreamHash> streams_;
    std::uint64_t other_streams_ = 0;  // records of streams beyond summary_streams_max
    exporting::RecordTotals totals_{};
    Published<exporting::RecordTotals> published_;
};

}  // namespace tapmeter::verbs
