#include "src/metrics/restart_report.h"

#include <nlohmann/json.hpp>

namespace tapmeter::metrics {

namespace {

// The first is no fault.
constexpr std::size_t first_fault = 1;

}  // namespace

nlohmann::ordered_json restarts_json(const Restarts& restarts) {
    nlohmann::ordered_json reasons;
    for (std::size_t i = 0; i < restart_reasons; ++i) {
        reasons[std::string(restart_reason_names[i])] = restarts.restarts[i];
    }
    nlohmann::ordered_json faults;
    for (std::size_t i = first_fault; i < inspect::doings; ++i) {
        faults[std::string(inspect::doing_names[i])] = restarts.dpi_faults[i];
    }
    return {
        {"reasons", std::move(reasons)},
        {"dpi_state", std::string(dpi_state_names[static_cast<std::size_t>(restarts.dpi_state)])},
        {"dpi_faults", std::move(faults)},
        {"flows_quarantined", restarts.flows_quarantined},
        {"flows_adopted", restarts.flows_adopted},
        {"flows_lost", restarts.flows_lost},
        {"packets_lost", restarts.packets_lost},
        {"packets_known", restarts.packets_known}};
}

void add_restarts(const Snapshot& snapshot, Families& families) {
    const Restarts& restarts = snapshot.restarts;
    families
        .counter("tapmeter_restarts_total",
                 "Times that the data path crashed, by the signal that ended it.")
        .add_each({}, "reason", restarts.restarts, restart_reason_names);
    families.gauge("tapmeter_dpi_state",
                   "Whether packets are inspected: 1 for the state that holds.");
    families.add_bits({}, "state", std::uint64_t{1} << static_cast<unsigned>(restarts.dpi_state),
                      dpi_state_names);
    families.counter("tapmeter_dpi_faults_total",
                     "Crashes of the data path during inspection, by what was being done.");
    for (std::size_t i = first_fault; i < inspect::doings; ++i) {
        families.add({{"reason", std::string(inspect::doing_names[i])}}, restarts.dpi_faults[i]);
    }
    families
        .gauge("tapmeter_dpi_quarantined_flows",
               "Flows that are left alone because their inspection crashed the data path.")
        .add({}, restarts.flows_quarantined);
    families
        .counter("tapmeter_restart_flows_total",
                 "Flows that were in the tables of a data path that crashed, by what became of "
                 "them.")
        .add({{"result", "adopted"}}, restarts.flows_adopted)
        .add({{"result", "lost"}}, restarts.flows_lost);
    families.counter("tapmeter_restart_packets_lost_total",
                     "Packets that reached the interfaces around crashes and were never metered; "
                     "absent where an interface does not count by itself.");
    if (restarts.packets_known) {
        families.add({}, restarts.packets_lost);
    }
    families.counter("tapmeter_restart_records_lost_total",
                     "Flow records that were on their way through an output in a crash.");
    for (const Snapshot::Output& output : snapshot.outputs) {
        families.add({{"output", output.name}}, output.lost_in_restarts.records);
    }
}

}  // namespace tapmeter::metrics
