// The part of Appliance that looks at its parts for a snapshot.

#include "src/appliance/appliance.h"

namespace tapmeter {

std::vector<metrics::Snapshot::Interface> Appliance::interface_accounts() const {
    std::vector<metrics::Snapshot::Interface> accounts;
    for (std::size_t index = 0; index < parts_.captures.points.size(); ++index) {
        Capture& point = *parts_.captures.points[index];
        metrics::Snapshot::Interface account;
        account.name = parts_.config.captures[index].name;
        account.describe = point.describe();
        for (std::size_t queue = 0; queue < point.queues(); ++queue) {
            account.queues.push_back(point.queue(queue).counters());
        }
        account.counters = point.counters();
        if (const std::uint64_t megabits = parts_.config.captures[index].link_speed;
            megabits != 0) {
            account.counters.link_speed_bits = megabits * 1'000'000;
        }
        account.device_queues = point.device_queues();
        accounts.push_back(std::move(account));
    }
    return accounts;
}

std::vector<metrics::Snapshot::Worker> Appliance::worker_accounts() const {
    std::vector<metrics::Snapshot::Worker> accounts;
    for (std::size_t number = 0; number < workers_.size(); ++number) {
        metrics::Snapshot::Worker account;
        account.books = workers_[number]->books();
        account.flows_max = workers_[number]->table_places();
        account.table_octets = workers_[number]->table_octets();
        account.core = core_of(number);
        accounts.push_back(account);
    }
    return accounts;
}

std::vector<metrics::Snapshot::Ring> Appliance::ring_accounts() const {
    std::vector<metrics::Snapshot::Ring> accounts;
    for (const auto& ring : rings_) {
        accounts.push_back({.capacity = ring->capacity(), .waiting = ring->waiting(), .taken = {}});
    }
    const auto alerts =
        signatures_ != nullptr ? signatures_->rings() : std::vector<inspect::AlertRing*>{};
    for (std::size_t number = 0; number < alerts.size(); ++number) {
        accounts[number].alerts_waiting = alerts[number]->waiting();
    }
    const auto taken = exporter_->dequeued();
    for (std::size_t number = 0; number < taken.size(); ++number) {
        accounts[number].taken = taken[number];
    }
    return accounts;
}

std::vector<metrics::Snapshot::Output> Appliance::output_accounts() const {
    std::vector<metrics::Snapshot::Output> accounts;
    for (const auto& output : exporter_->outputs()) {
        accounts.push_back({.name = std::string(output->name()),
                            .counters = output->counters(),
                            .lost_in_restarts = handover_ != nullptr
                                                    ? handover_->lost_by_output(accounts.size())
                                                    : exporting::RecordTotals{}});
    }
    return accounts;
}

int Appliance::core_of(std::size_t worker) const {
    const auto& cores = parts_.config.workers.cores;
    return worker < cores.size() ? static_cast<int>(cores[worker]) : -1;
}

}  // namespace tapmeter
