#include "src/appliance/appliance.h"
#include "src/metrics/totals.h"

namespace tapmeter {

// Of each port what it lost or left out. What the workers could not read, left out or sampled is
// nobody's in particular: it is told with the first port.
exporting::MeteringReport Appliance::metering_report() const {
    exporting::MeteringReport report;
    for (const auto& point : parts_.captures.points) {
        const CaptureCounters counters = point->counters();
        report.push_back(
            {.ignored_packets = metrics::sum(counters.dropped) + metrics::sum(counters.ignored)});
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
