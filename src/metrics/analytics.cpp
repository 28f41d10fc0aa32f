#include "src/metrics/analytics.h"

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "src/metrics/totals.h"

namespace tapmeter::metrics {

namespace {

using flow::AnalyticsBooks;
using Json = nlohmann::ordered_json;

constexpr double microseconds_per_second = 1'000'000;

prometheus::ClientMetric::Histogram round_trips_of(const AnalyticsBooks& books) {
    prometheus::ClientMetric::Histogram histogram;
    for (std::size_t i = 0; i < flow::round_trip_buckets; ++i) {
        const bool last = i + 1 == flow::round_trip_buckets;
        histogram.sample_count += books.round_trips[i];
        histogram.bucket.push_back({histogram.sample_count,
                                    last
                                        ? std::numeric_limits<double>::infinity()
                                        : flow::round_trip_bounds_us[i] / microseconds_per_second});
    }
    histogram.sample_sum = static_cast<double>(books.round_trip_us) / microseconds_per_second;
    return histogram;
}

Json json_of(const flow::PoolCounts& counts) {
    return {{"given", counts.given}, {"refused", counts.refused}, {"in_use", counts.in_use}};
}

void add_payloads(const flow::PayloadBooks& books, Families& families) {
    const std::array<std::pair<std::string, const flow::PoolCounts*>, 3> groups{
        {{"entropy", &books.entropy}, {"rtp", &books.rtp}, {"dns", &books.dns}}};
    families.counter("tapmeter_payload_states_total",
                     "States of flows that payloads are looked into for, by what became of them.");
    for (const auto& [name, counts] : groups) {
        families.add({{"group", name}, {"result", "given"}}, counts->given);
        families.add({{"group", name}, {"result", "refused"}}, counts->refused);
    }
    families.gauge("tapmeter_payload_states_in_use", "States in use.");
    for (const auto& [name, counts] : groups) {
        families.add({{"group", name}}, counts->in_use);
    }
    families.counter("tapmeter_rtp_flows_total", "Flows that turned out to be RTP.")
        .add({}, books.rtp_flows);
}

void add_tcp(const AnalyticsBooks& all, Families& families) {
    families.counter("tapmeter_tcp_segments_total", "TCP segments that were looked at.")
        .add({}, all.segments_seen);
    families.counter("tapmeter_tcp_segments_skipped_total",
                     "Metered TCP segments that were not looked at.");
    families.add_each({}, "reason", all.segments_skipped, flow::segment_skipped_names);
    families.counter("tapmeter_tcp_connections_ended_total",
                     "TCP connections that ended, by how they began.");
    families.add_each({}, "opening", all.connections, flow::tcp_opening_names);
    families.counter(
        "tapmeter_tcp_retransmissions_total",
        "Segments sent again, by how: by timeout, fast, or although they had arrived.");
    families.add({{"kind", "timeout"}}, all.tcp.retransmissions - all.tcp.fast_retransmissions -
                                            all.tcp.spurious_retransmissions);
    families.add({{"kind", "fast"}}, all.tcp.fast_retransmissions);
    families.add({{"kind", "spurious"}}, all.tcp.spurious_retransmissions);
    families.counter("tapmeter_tcp_out_of_order_total", "Segments overtaken on the way.")
        .add({}, all.tcp.out_of_order);
    families.counter("tapmeter_tcp_lost_segments_total", "Segments behind a gap.")
        .add({}, all.tcp.lost_segments);
    families.counter("tapmeter_tcp_duplicate_acks_total", "Acknowledgements repeated.")
        .add({}, all.tcp.duplicate_acks);
    families.counter("tapmeter_tcp_zero_windows_total", "Segments that announce a closed window.")
        .add({}, all.tcp.zero_windows);
    families.histogram("tapmeter_tcp_rtt_seconds",
                       "Round-trip time of TCP handshakes, client and server side together.");
    families.add({}, round_trips_of(all));
}

}  // namespace

void add_analytics(const Snapshot& snapshot, Families& families) {
    const WorkerBooks all = all_workers(snapshot);
    if (all.analytics.segments != 0) {
        add_tcp(all.analytics, families);
    }
    if (all.analytics.tunnels_kept + all.analytics.tunnels_refused != 0) {
        families.counter("tapmeter_flows_tunnelled_total", "Flows whose tunnels were kept.")
            .add({}, all.analytics.tunnels_kept);
        families.counter("tapmeter_tunnels_refused_total", "Flows whose tunnels found no room.")
            .add({}, all.analytics.tunnels_refused);
        families.gauge("tapmeter_tunnels_in_use", "Flows in the table whose tunnels are kept.")
            .add({}, all.analytics.tunnels_in_use);
    }
    families
        .counter("tapmeter_record_reports_refused_total",
                 "Flow records that went without reports of [analytics]: no room.")
        .add({}, all.reports_refused);
    families
        .counter("tapmeter_duplicates_forgotten_total",
                 "Packets whose copies could not be told any more: no room to remember them.")
        .add({}, all.duplicates_forgotten);
    const flow::PayloadBooks& payloads = all.analytics.payloads;
    if (payloads.entropy.given + payloads.rtp.given + payloads.dns.given != 0) {
        add_payloads(payloads, families);
    }
}

Json analytics_json(const AnalyticsBooks& books) {
    const auto named = [](const auto& counts, const auto& names) {
        Json object = Json::object();
        for (std::size_t i = 0; i < counts.size(); ++i) {
            object[std::string(names[i])] = counts[i];
        }
        return object;
    };
    return {{"segments", books.segments},
            {"segments_seen", books.segments_seen},
            {"segments_skipped", named(books.segments_skipped, flow::segment_skipped_names)},
            {"connections", named(books.connections, flow::tcp_opening_names)},
            {"retransmissions", books.tcp.retransmissions},
            {"fast_retransmissions", books.tcp.fast_retransmissions},
            {"spurious_retransmissions", books.tcp.spurious_retransmissions},
            {"out_of_order", books.tcp.out_of_order},
            {"lost_segments", books.tcp.lost_segments},
            {"duplicate_acks", books.tcp.duplicate_acks},
            {"zero_windows", books.tcp.zero_windows},
            {"tunnels_kept", books.tunnels_kept},
            {"tunnels_refused", books.tunnels_refused},
            {"tunnels_in_use", books.tunnels_in_use},
            {"entropy", json_of(books.payloads.entropy)},
            {"rtp", json_of(books.payloads.rtp)},
            {"rtp_flows", books.payloads.rtp_flows},
            {"dns", json_of(books.payloads.dns)}};
}

void add_to(AnalyticsBooks& total, const AnalyticsBooks& books) {
    const auto add = [](auto& to, const auto& counts) {
        for (std::size_t i = 0; i < to.size(); ++i) {
            to[i] += counts[i];
        }
    };
    total.segments += books.segments;
    total.segments_seen += books.segments_seen;
    add(total.segments_skipped, books.segments_skipped);
    add(total.connections, books.connections);
    total.tcp.retransmissions += books.tcp.retransmissions;
    total.tcp.fast_retransmissions += books.tcp.fast_retransmissions;
    total.tcp.spurious_retransmissions += books.tcp.spurious_retransmissions;
    total.tcp.out_of_order += books.tcp.out_of_order;
    total.tcp.lost_segments += books.tcp.lost_segments;
    total.tcp.duplicate_acks += books.tcp.duplicate_acks;
    total.tcp.zero_windows += books.tcp.zero_windows;
    add(total.round_trips, books.round_trips);
    total.round_trip_us += books.round_trip_us;
    total.tunnels_kept += books.tunnels_kept;
    total.tunnels_refused += books.tunnels_refused;
    total.tunnels_in_use += books.tunnels_in_use;
    total.payloads += books.payloads;
}

}  // namespace tapmeter::metrics
