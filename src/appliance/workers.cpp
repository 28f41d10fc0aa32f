// The part of Appliance that builds the workers, also on what an earlier data path left them.

#include <algorithm>
#include <utility>

#include "src/appliance/analytics.h"
#include "src/appliance/appliance.h"
#include "src/appliance/inspection.h"
#include "src/appliance/overload.h"
#include "src/metrics/totals.h"

namespace tapmeter {

namespace {

// Records a ring holds: at a million flows a second the exporter core may be away for 8 ms.
constexpr std::size_t ring_records = 8'192;

// Of a recording: its flow table begins with room for so many, 3 MB.
constexpr std::size_t flows_at_first = 16'384;

}  // namespace

// Whether the last data path left a table of the present size for this worker.
bool Appliance::adopts(std::size_t worker) const {
    return handover_ != nullptr && handover_->has_predecessor() &&
           Region::is_left(handover_->table_of(worker),
                           flow::FlowTable::octets_for(
                               parts_.config.flow.flows_max,
                               analytics_settings(parts_.config, false).beside_flow_octets()));
}

Result<void> Appliance::add_worker(PacketSource& source, const flow::HashKey& hash_key) {
    const Config& config = parts_.config;
    const auto pages = config.memory.hugepages == Config::Switch::on    ? Region::Wanted::huge
                       : config.memory.hugepages == Config::Switch::off ? Region::Wanted::small
                                                                        : Region::Wanted::automatic;
    // A file can wait for its pages, and for a larger table; on a live port no packet may pay for
    // either. Pages set aside for us need not be spared; aggregates go by the table's size.
    const std::size_t number = workers_.size();
    const KeptMemory* const kept = handover_ != nullptr ? &handover_->table_of(number) : nullptr;
    const flow::FlowTable::Request whole{
        .flows_max = config.flow.flows_max,
        .pages = pages,
        .populate = !recorded(),
        .beside_octets = analytics_settings(config, recorded()).beside_flow_octets(),
        .kept = kept,
        .adopt = adopts(number)};
    const Admission::Limits admission = admission_limits(config, recorded());
    const bool grows = recorded() && pages != Region::Wanted::huge && !admission.aggregates;
    flow::FlowTable::Request first = whole;
    first.flows_max = grows ? std::min(whole.flows_max, flows_at_first) : whole.flows_max;
    auto table = flow::FlowTable::make(first);
    if (!table) {
        return tl::unexpected<Error>(std::move(table.error()));
    }
    auto inspector = make_inspector(number, table->places());
    if (!inspector) {
        return tl::unexpected<Error>(std::move(inspector.error()));
    }
    auto analytics = make_analytics(config, recorded(), table->places());
    auto duplicates = make_duplicates(config, recorded(), hash_key);
    if (!analytics || !duplicates) {
        return tl::unexpected<Error>(std::move(analytics ? duplicates.error() : analytics.error()));
    }
    auto saving = make_saving();
    if (!saving) {
        return tl::unexpected<Error>(std::move(saving.error()));
    }
    auto history = make_history(number);
    if (!history) {
        return tl::unexpected<Error>(std::move(history.error()));
    }
    // As many slots for what is found in flows: a record never has to go without it.
    rings_.push_back(std::make_unique<RecordRing>(ring_records, part_slots(config, ring_records)));
    workers_.push_back(std::make_unique<Worker>(
        Worker::Parts{.source = source,
                      .ring = *rings_.back(),
                      .clock = recorded() ? nullptr : parts_.clock,
                      .table = std::move(*table),
                      .table_grows_to = grows ? whole : flow::FlowTable::Request{},
                      .hash_key = hash_key,
                      .timeouts = {.idle = config.flow.idle_timeout,
                                   .active = config.flow.active_timeout,
                                   .tcp_end = config.flow.tcp_end_timeout},
                      .vlan_in_key = config.flow.vlan_in_key,
                      .outer_points = outer_points(config),
                      .number = static_cast<std::uint16_t>(number),
                      .load = load_levels(config, recorded()),
                      .admission = admission,
                      .flows_max = config.flow.flows_max,
                      .shunt = shunt_settings(number),
                      .inspector = std::move(*inspector),
                      .analytics = std::move(*analytics),
                      .duplicates = std::move(*duplicates),
                      .filters = filters_.get(),
                      .saving = std::move(*saving),
                      .samplers = samplers_of_worker(number),
                      .history = std::move(*history),
                      .alerts = alerts_of(number),
                      .adopt = whole.adopt,
                      .books = handover_ != nullptr ? &handover_->books_of(number) : nullptr}));
    return {};
}

std::vector<PacketSampler*> Appliance::samplers_of_worker(std::size_t worker) const {
    std::vector<PacketSampler*> samplers;
    for (const auto& output : parts_.outputs) {
        if (PacketSampler* const one = output->sampler(worker); one != nullptr) {
            samplers.push_back(one);
        }
    }
    return samplers;
}

Shunts::Settings Appliance::shunt_settings(std::size_t worker) const {
    const Config::Shunt& shunt = parts_.config.shunt;
    xdp::Shunt* const doors = parts_.captures.shunt.get();
    return {.octets = shunt.enabled ? shunt.octets : Shunts::Settings::never,
            .door = doors != nullptr && worker < doors->doors() ? &doors->door(worker) : nullptr,
            .interval = shunt.interval,
            .active = parts_.config.flow.active_timeout};
}

// The flows that were left are in the tables now; what is missing gets its names.
void Appliance::settle_handover() {
    if (handover_ == nullptr) {
        return;
    }
    std::vector<WorkerBooks> books;
    for (const auto& worker : workers_) {
        books.push_back(worker->books());
    }
    handover_->settle(books, arrivals_of(parts_.config, parts_.captures.points));
    handover_->set_dpi_state(handover_->inspection_is_off() ? metrics::DpiState::faulted
                             : parts_.config.dpi.enabled    ? metrics::DpiState::on
                                                            : metrics::DpiState::off);
}

std::vector<InterfaceWatch::Event> Appliance::look_after_interfaces() {
    auto events = interface_watch_->look(parts_.captures.points);
    if (handover_ != nullptr && std::ranges::any_of(events, &InterfaceWatch::Event::returned)) {
        handover_->begin_anew(arrivals_of(parts_.config, parts_.captures.points));
    }
    return events;
}

void Appliance::note_handover() const {
    if (handover_ == nullptr) {
        return;
    }
    std::vector<exporting::OutputCounters> outputs;
    for (const auto& output : exporter_->outputs()) {
        outputs.push_back(output->counters());
    }
    std::uint64_t left = 0;
    for (const auto& point : parts_.captures.points) {
        const CaptureCounters counters = point->counters();
        left += counters.shunted.value + metrics::sum(counters.dropped) +
                metrics::sum(counters.ignored);
    }
    handover_->note(outputs, left, reloads(true) != 0);
}

metrics::Restarts Appliance::restarts() const {
    if (handover_ != nullptr) {
        return handover_->restarts();
    }
    metrics::Restarts none;
    none.dpi_state = parts_.config.dpi.enabled ? metrics::DpiState::on : metrics::DpiState::off;
    return none;
}

}  // namespace tapmeter
