#include "src/metrics/look.h"

#include "src/metrics/totals.h"

namespace tapmeter::metrics {

namespace {

// How often a counter moved on between two looks; 0 where it was replaced by a younger one.
std::uint64_t moved(std::uint64_t before, std::uint64_t after) noexcept {
    return after > before ? after - before : 0;
}

}  // namespace

Snapshot take_look(const Accounts& accounts) {
    const auto interfaces_before = accounts.interfaces();
    const auto workers_before = accounts.workers();

    Snapshot snapshot;
    snapshot.outputs = accounts.outputs();
    snapshot.rings = accounts.rings();
    snapshot.workers = accounts.workers();
    const std::uint64_t counted = accounts.shunt_counted();
    snapshot.shunt_waiting = moved(all_workers(snapshot).folded.packets, counted);
    snapshot.steering_waiting = accounts.steering_waiting();
    snapshot.interfaces = accounts.interfaces();

    for (std::size_t i = 0; i < snapshot.workers.size() && i < workers_before.size(); ++i) {
        Snapshot::Worker& worker = snapshot.workers[i];
        worker.records_meanwhile =
            moved(sum(workers_before[i].books.records_emitted), sum(worker.books.records_emitted));
    }
    for (std::size_t i = 0; i < snapshot.interfaces.size() && i < interfaces_before.size(); ++i) {
        Snapshot::Interface& interface = snapshot.interfaces[i];
        const CaptureCounters& before = interfaces_before[i].counters;
        const CaptureCounters& after = interface.counters;
        interface.packets_meanwhile = moved(before.offered.value, after.offered.value) +
                                      moved(before.received.value, after.received.value);
    }
    return snapshot;
}

}  // namespace tapmeter::metrics
