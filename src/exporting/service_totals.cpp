#include "src/exporting/service_totals.h"

#include <algorithm>

#include "pipeline/base/expects.h"
#include "pipeline/flow/meter.h"

namespace tapmeter::exporting {

namespace {

using flow::FlowRecord;
namespace bits = flow::detail;

constexpr std::uint32_t bit(std::size_t service) noexcept {
    return std::uint32_t{1} << service;
}

// Of the records that a flow is cut into, the one that its beginning is in.
bool is_first(const FlowRecord& record) noexcept {
    return record.start <= record.flow_start;
}

void add(ServiceCounts::Latency& latency, std::uint32_t time_us) noexcept {
    if (time_us == 0) {
        return;  // not seen
    }
    const auto* const bound = std::ranges::lower_bound(flow::round_trip_bounds_us, time_us);
    ++latency.buckets[static_cast<std::size_t>(bound - flow::round_trip_bounds_us.begin())];
    latency.sum_us += time_us;
}

void add(ServiceCounts::Way& way, const flow::Side& side) noexcept {
    way.packets += side.packets.value;
    way.octets += side.octets.value;
}

// How the attempt went that this flow is.
void add_attempt(ServiceCounts& counts, const FlowRecord& record) noexcept {
    const bool tcp = record.protocol == bits::protocol_tcp;
    if (tcp && (record.forward_tcp_control_bits & bits::tcp_syn) == 0) {
        return;  // its beginning was not seen
    }
    const bool answered = tcp ? (record.reverse_tcp_control_bits & bits::tcp_syn) != 0
                              : record.reverse.packets != Packets{};
    const bool refused = tcp && !answered && (record.reverse_tcp_control_bits & bits::tcp_rst) != 0;
    ++(answered ? counts.answered : refused ? counts.refused : counts.unanswered);
    counts.last_failed = answered ? 0 : 1;
}

void add_quality(ServiceCounts& counts, const FlowRecord& record,
                 const flow::TcpReport& report) noexcept {
    counts.segments += record.forward.packets.value + record.reverse.packets.value;
    counts.retransmissions +=
        report.forward.seen.all_retransmissions() + report.reverse.seen.all_retransmissions();
    counts.lost_segments +=
        std::uint64_t{report.forward.seen.lost_segments} + report.reverse.seen.lost_segments;
    if (is_first(record)) {
        add(counts.client, report.client_round_trip_us);
        add(counts.server, report.server_round_trip_us);
        add(counts.response, report.server_response_us);
    }
}

void add_rtp(ServiceCounts& counts, const flow::PayloadReport& report) noexcept {
    for (const flow::PayloadReport::Direction& way : report.directions) {
        counts.rtp_packets += way.rtp_packets;
        counts.rtp_lost += way.rtp_lost;
        counts.rtp_jitter_us += std::uint64_t{way.rtp_jitter_mean_us} * way.rtp_packets;
    }
}

}  // namespace

ServiceTotals::ServiceTotals(std::vector<Service> services, const inspect::ApplicationNames& names)
    : services_(std::move(services)),
      names_(names),
      published_(std::make_unique<std::array<Published<ServiceCounts>, services_max>>()) {
    expects(services_.size() <= services_max);
    for (std::size_t i = 0; i < services_.size(); ++i) {
        any_application_ |= services_[i].applications.empty() ? bit(i) : 0;
    }
}

// Applications get their names while the program starts, and at a reload.
void ServiceTotals::learn_names() noexcept {
    names_edition_ = names_.edition();
    for (std::size_t number = 0; number < by_application_.size(); ++number) {
        const std::string_view name = names_.protocol(static_cast<std::uint16_t>(number));
        by_application_[number] = 0;
        for (std::size_t i = 0; i < services_.size(); ++i) {
            const auto& wanted = services_[i].applications;
            by_application_[number] |=
                !name.empty() && std::ranges::find(wanted, name) != wanted.end() ? bit(i) : 0;
        }
    }
}

// TLS.Google is both.
ServiceTotals::Services ServiceTotals::of_application(
    const flow::Application& label) const noexcept {
    Services services = any_application_;
    for (const std::uint16_t number : {label.application, label.master}) {
        services |= number < by_application_.size() ? by_application_[number] : 0;
    }
    return services;
}

void ServiceTotals::add(const RecordBatch& batch) noexcept {
    if (names_edition_ != names_.edition()) {
        learn_names();
    }
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
        add(batch.records[i], batch.parts_of(i));
    }
    for (std::size_t i = 0; i < services_.size(); ++i) {
        if ((changed_ & bit(i)) != 0) {
            (*published_)[i].publish(counts_[i]);
        }
    }
    changed_ = 0;
}

void ServiceTotals::add(const FlowRecord& record, RecordBatch::Parts beside) noexcept {
    const Services candidates = of_application(record.application);
    for (std::size_t i = 0; i < services_.size() && !record.aggregated; ++i) {
        if ((candidates & bit(i)) == 0) {
            continue;
        }
        const bool towards = services_[i].towards.matches(record);
        // Who began is a guess where no SYN was seen.
        const bool away =
            !towards && record.biflow_direction == 0 && services_[i].away.matches(record);
        if (!towards && !away) {
            continue;
        }
        ServiceCounts& counts = counts_[i];
        changed_ |= bit(i);
        counts.flows += is_first(record) ? 1U : 0U;
        exporting::add(counts.to_service, towards ? record.forward : record.reverse);
        exporting::add(counts.from_service, towards ? record.reverse : record.forward);
        if (towards && is_first(record)) {
            add_attempt(counts, record);
        }
        if (const auto* const tcp = std::get<const flow::TcpReport*>(beside); tcp != nullptr) {
            add_quality(counts, record, *tcp);
        }
        if (const auto* const payload = std::get<const flow::PayloadReport*>(beside);
            payload != nullptr && payload->has_rtp) {
            add_rtp(counts, *payload);
        }
    }
}

std::vector<ServiceTotals::Total> ServiceTotals::read() const {
    std::vector<Total> totals;
    for (std::size_t i = 0; i < services_.size(); ++i) {
        totals.push_back({.name = services_[i].name, .counts = (*published_)[i].read()});
    }
    return totals;
}

}  // namespace tapmeter::exporting
