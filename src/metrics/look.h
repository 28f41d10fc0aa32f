#pragma once

#include <functional>

#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// How to read each kind of account. Every function only reads what others have published; none
// waits for a worker. What the laws need of those who publish:
//   * a worker publishes its books before it publishes its ring, so a record is emitted before the
//     exporter core can take it;
//   * the exporter core publishes what it took from a ring before it gives the slots back.
struct Accounts {
    std::function<std::vector<Snapshot::Interface>()> interfaces;  // queues first, then counters
    std::function<std::uint64_t()> steering_waiting;
    std::function<std::uint64_t()> shunt_counted;  // packets of shunted flows, folded or not
    std::function<std::vector<Snapshot::Worker>()> workers;
    std::function<std::vector<Snapshot::Ring>()> rings;  // `waiting` first, then `taken`
    std::function<std::vector<Snapshot::Output>()> outputs;
};

// Takes one look in the only order that works: against the road, from the outputs to the
// interfaces. The two ends of the look are compared, so the laws know how much moved meanwhile,
// however long this thread was kept from the CPU between two reads. Any thread but a worker.
// Times and `settled` are the caller's to fill in.
Snapshot take_look(const Accounts& accounts);

}  // namespace tapmeter::metrics
