#include "src/metrics/services.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "src/metrics/shown_text.h"
#include "src/metrics/totals.h"

namespace tapmeter::metrics {

namespace {

using exporting::ServiceCounts;
using Json = nlohmann::ordered_json;
using Total = exporting::ServiceTotals::Total;
using Latency = ServiceCounts::Latency;

constexpr double microseconds_per_second = 1'000'000;
constexpr double microseconds_per_millisecond = 1'000;

struct Measured {
    std::string_view name;
    const Latency& latency;
};

std::array<Measured, 3> latencies_of(const ServiceCounts& counts) {
    return {{{"client", counts.client}, {"server", counts.server}, {"response", counts.response}}};
}

std::uint64_t samples_of(const Latency& latency) {
    std::uint64_t samples = 0;
    for (const std::uint64_t count : latency.buckets) {
        samples += count;
    }
    return samples;
}

prometheus::ClientMetric::Histogram histogram_of(const Latency& latency) {
    prometheus::ClientMetric::Histogram histogram;
    for (std::size_t i = 0; i < latency.buckets.size(); ++i) {
        const bool last = i + 1 == latency.buckets.size();
        histogram.sample_count += latency.buckets[i];
        histogram.bucket.push_back({histogram.sample_count,
                                    last
                                        ? std::numeric_limits<double>::infinity()
                                        : flow::round_trip_bounds_us[i] / microseconds_per_second});
    }
    histogram.sample_sum = static_cast<double>(latency.sum_us) / microseconds_per_second;
    return histogram;
}

Labels label_of(const Total& total) {
    return {{"service", total.name}};
}

// One family with one value for each service that has it.
template <class Has, class Value>
void add_for_services(const Snapshot& snapshot, Families& families, Has has, Value value) {
    for (const Total& total : snapshot.services) {
        if (has(total.counts)) {
            families.add(label_of(total), value(total.counts));
        }
    }
}

template <class Value>
void add_both_ways(const Snapshot& snapshot, Families& families, Value value) {
    for (const Total& total : snapshot.services) {
        families.add({{"service", total.name}, {"direction", "to"}},
                     value(total.counts.to_service));
        families.add({{"service", total.name}, {"direction", "from"}},
                     value(total.counts.from_service));
    }
}

bool always(const ServiceCounts& /*counts*/) {
    return true;
}

bool has_tcp(const ServiceCounts& counts) {
    return counts.segments != 0;
}

bool has_rtp(const ServiceCounts& counts) {
    return counts.rtp_packets != 0;
}

void add_traffic(const Snapshot& snapshot, Families& families) {
    families.counter("tapmeter_service_bytes_total",
                     "IP bytes of the service's flow records, by direction.");
    add_both_ways(snapshot, families, [](const auto& way) { return way.octets; });
    families.counter("tapmeter_service_packets_total", "Packets, likewise.");
    add_both_ways(snapshot, families, [](const auto& way) { return way.packets; });
    families.counter("tapmeter_service_flows_total", "Flows of the service.");
    add_for_services(snapshot, families, always, [](const auto& c) { return c.flows; });
    families.counter("tapmeter_service_attempts_total",
                     "Flows that clients began to the service, by what became of them.");
    for (const Total& total : snapshot.services) {
        const ServiceCounts& counts = total.counts;
        families.add_each(label_of(total), "result",
                          std::array{counts.answered, counts.refused, counts.unanswered},
                          std::array<std::string_view, 3>{"answered", "refused", "unanswered"});
    }
    families.gauge("tapmeter_service_up",
                   "Whether the newest of these was answered; no series before the first.");
    add_for_services(
        snapshot, families, [](const auto& c) { return c.attempts() != 0; },
        [](const auto& c) { return std::uint64_t{1} - c.last_failed; });
}

void add_quality(const Snapshot& snapshot, Families& families) {
    families.counter("tapmeter_service_tcp_segments_total",
                     "TCP segments of the service's flow records that quality is known of.");
    add_for_services(snapshot, families, has_tcp, [](const auto& c) { return c.segments; });
    families.counter("tapmeter_service_tcp_retransmissions_total", "Of these, sent again.");
    add_for_services(snapshot, families, has_tcp, [](const auto& c) { return c.retransmissions; });
    families.counter("tapmeter_service_tcp_lost_segments_total", "Of these, behind a gap.");
    add_for_services(snapshot, families, has_tcp, [](const auto& c) { return c.lost_segments; });
    families.histogram("tapmeter_service_latency_seconds",
                       "Round trips of TCP handshakes to the client and to the server, and the "
                       "server's time to its first answer.");
    for (const Total& total : snapshot.services) {
        for (const Measured& measured : latencies_of(total.counts)) {
            if (has_tcp(total.counts)) {
                families.add({{"service", total.name}, {"of", std::string(measured.name)}},
                             histogram_of(measured.latency));
            }
        }
    }
    families.counter("tapmeter_service_rtp_packets_total", "Packets of RTP.");
    add_for_services(snapshot, families, has_rtp, [](const auto& c) { return c.rtp_packets; });
    families.counter("tapmeter_service_rtp_lost_packets_total",
                     "Packets of RTP that were missing.");
    add_for_services(snapshot, families, has_rtp, [](const auto& c) { return c.rtp_lost; });
    families.counter("tapmeter_service_rtp_jitter_seconds_sum_total",
                     "Interarrival jitter (RFC 3550), the mean of each record times its packets.");
    add_for_services(snapshot, families, has_rtp, [](const auto& c) {
        return static_cast<double>(c.rtp_jitter_us) / microseconds_per_second;
    });
}

// "12.3 ms", "-" where nothing was measured.
std::string mean_text(const Latency& latency) {
    const std::uint64_t samples = samples_of(latency);
    return samples == 0 ? "-"
                        : fmt::format("{:.1f} ms", static_cast<double>(latency.sum_us) /
                                                       static_cast<double>(samples) /
                                                       microseconds_per_millisecond);
}

std::string percent_text(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? "-" : fmt::format("{:.2f} %", 100 * ratio(part, whole));
}

std::string state_text(const ServiceCounts& counts) {
    return counts.attempts() == 0 ? "-" : counts.last_failed != 0 ? "DOWN" : "up";
}

Json json_of(const Latency& latency) {
    const std::uint64_t samples = samples_of(latency);
    return {{"samples", samples},
            {"sum_us", latency.sum_us},
            {"mean_us", samples == 0 ? 0 : latency.sum_us / samples}};
}

Json json_of(const Total& total) {
    const ServiceCounts& counts = total.counts;
    Json object = {
        {"name", total.name},
        {"flows", counts.flows},
        {"to_service",
         {{"packets", counts.to_service.packets}, {"octets", counts.to_service.octets}}},
        {"from_service",
         {{"packets", counts.from_service.packets}, {"octets", counts.from_service.octets}}},
        {"attempts",
         {{"answered", counts.answered},
          {"refused", counts.refused},
          {"unanswered", counts.unanswered}}},
        {"up", counts.attempts() != 0 && counts.last_failed == 0},
        {"tcp",
         {{"segments", counts.segments},
          {"retransmissions", counts.retransmissions},
          {"lost_segments", counts.lost_segments}}}};
    for (const Measured& measured : latencies_of(counts)) {
        object["latency"][std::string(measured.name)] = json_of(measured.latency);
    }
    object["rtp"] = {
        {"packets", counts.rtp_packets},
        {"lost", counts.rtp_lost},
        {"jitter_us", counts.rtp_packets == 0 ? 0 : counts.rtp_jitter_us / counts.rtp_packets}};
    return object;
}

}  // namespace

void add_services(const Snapshot& snapshot, Families& families) {
    if (!snapshot.services.empty()) {
        add_traffic(snapshot, families);
        add_quality(snapshot, families);
    }
}

std::string services_as_text(const Snapshot& snapshot) {
    if (snapshot.services.empty()) {
        return {};
    }
    std::string text =
        fmt::format("{:<20}{:>6}{:>14}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}\n", "service", "state",
                    "attempts", "answered", "client", "server", "response", "sent again", "jitter");
    for (const Total& total : snapshot.services) {
        const ServiceCounts& counts = total.counts;
        const Latency jitter{.buckets = {counts.rtp_packets}, .sum_us = counts.rtp_jitter_us};
        fmt::format_to(std::back_inserter(text),
                       "{:<20}{:>6}{:>14}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}\n", shown(total.name),
                       state_text(counts), grouped(counts.attempts()),
                       percent_text(counts.answered, counts.attempts()), mean_text(counts.client),
                       mean_text(counts.server), mean_text(counts.response),
                       percent_text(counts.retransmissions, counts.segments), mean_text(jitter));
    }
    return text;
}

Json services_json(const Snapshot& snapshot) {
    Json services = Json::array();
    for (const Total& total : snapshot.services) {
        services.push_back(json_of(total));
    }
    return services;
}

}  // namespace tapmeter::metrics
