#include "src/appliance/appliance.h"
#include "src/metrics/totals.h"

namespace tapmeter {

namespace {

exporting::MeteringTotals of_interface(const CaptureCounters& counters) {
    const std::uint64_t dropped = metrics::sum(counters.dropped);
    const std::uint64_t errors = counters.dropped[index_of(Dropped::rx_error)];
    exporting::MeteringTotals totals;
    totals.ignored_packets = dropped + metrics::sum(counters.ignored);
    totals.received_packets = counters.received.value + counters.shunted.value;
    totals.received_octets = counters.received_octets.value + counters.shunted_octets.value;
    totals.discarded_packets = dropped - errors;
    totals.error_packets = errors;
    totals.link_speed_bits = counters.link_speed_bits;
    totals.link_up = counters.link_up;
    return totals;
}

}  // namespace

// Of each port what it lost or left out. What the workers could not read, left out or sampled is
// nobody's in particular: it is told with the first port.
exporting::MeteringReport Appliance::metering_report() const {
    exporting::MeteringReport report;
    for (std::size_t point = 0; point < parts_.captures.points.size(); ++point) {
        report.push_back(of_interface(parts_.captures.points[point]->counters()));
        report.back().promiscuous = parts_.config.captures[point].promiscuous;
    }
    for (const auto& worker : workers_) {
        const WorkerBooks books = worker->books();
        const Traffic ignored = metrics::sum_of(books.ignored);
        const SampledSum& flows = books.sampled.flows;
        report.front().ignored_packets += ignored.packets + metrics::sum(books.undecoded);
        report.front().ignored_octets += ignored.layer2_octets + books.unmetered_octets;
        report.front().flows_selected += books.flows_created;
        report.front().flows_observed +=
            books.flows_created +
            static_cast<std::uint64_t>(flows.estimated - static_cast<double>(flows.counted));
    }
    return report;
}

}  // namespace tapmeter
