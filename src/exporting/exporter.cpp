#include "src/exporting/exporter.h"

#include <algorithm>
#include <array>
#include <thread>

#include "pipeline/base/expects.h"
#include "src/exporting/account.h"
#include "src/exporting/alert_event.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds tick_interval{100};
constexpr milliseconds report_interval{1'000};
// A ring of 8,192 records is filled in 600 us by 13 million records a second.
constexpr microseconds nap_shortest{100};
constexpr microseconds nap_longest{500};
constexpr microseconds nap_longest_of_files{4'000};  // a full ring only makes the file wait

}  // namespace

Exporter::Exporter(std::vector<RecordRing*> rings, std::vector<std::unique_ptr<Output>> outputs,
                   Patience patience)
    : outputs_(std::move(outputs)), patience_(patience) {
    for (RecordRing* ring : rings) {
        inlets_.push_back(std::make_unique<Inlet>());
        inlets_.back()->ring = ring;
    }
}

void Exporter::run(const std::stop_token& stop) {
    const microseconds longest = patience_ == Patience::wait ? nap_longest_of_files : nap_longest;
    microseconds nap = nap_shortest;
    while (!stop.stop_requested()) {
        if (step()) {
            nap = patience_ == Patience::wait ? nap : nap_shortest;
        } else {
            std::this_thread::sleep_for(nap);
            nap = std::min(nap * 2, longest);
        }
    }
}

bool Exporter::step() {
    bool any = false;
    for (const auto& inlet : inlets_) {
        any |= drain(*inlet);
        any |= drain_alerts(*inlet);
    }
    tick_when_due();
    return any;
}

void Exporter::finish(std::chrono::steady_clock::time_point deadline) {
    while (!rings_are_empty()) {
        if (std::chrono::steady_clock::now() >= deadline) {
            patience_ = Patience::refuse;
        }
        if (!step()) {
            std::this_thread::sleep_for(nap_longest);
        }
    }
    for (const auto& output : outputs_) {
        output->flush(deadline);
    }
}

std::vector<RecordTotals> Exporter::dequeued() const {
    std::vector<RecordTotals> rings;
    for (const auto& inlet : inlets_) {
        rings.push_back(inlet->published.read());
    }
    return rings;
}

void Exporter::meter_services(std::vector<Service> services,
                              const inspect::ApplicationNames& names) {
    services_ =
        services.empty() ? nullptr : std::make_unique<ServiceTotals>(std::move(services), names);
}

std::vector<ServiceTotals::Total> Exporter::services() const {
    return services_ != nullptr ? services_->read() : std::vector<ServiceTotals::Total>{};
}

// An output that has taken nothing for so long is not slow but away: its records are dropped and
// counted, rather than a file never read to its end.
bool Exporter::must_wait() {
    constexpr std::chrono::seconds patience_max{10};
    const bool all_ready =
        std::ranges::all_of(outputs_, [](const auto& output) { return output->ready(); });
    if (patience_ == Patience::refuse || all_ready) {
        waiting_since_.reset();
        return false;
    }
    const auto now = std::chrono::steady_clock::now();
    waiting_since_ = waiting_since_.value_or(now);
    return now - *waiting_since_ < patience_max;
}

bool Exporter::rings_are_empty() const {
    return std::ranges::all_of(inlets_, [](const auto& inlet) {
        return inlet->ring->waiting() == 0 &&
               (inlet->alerts == nullptr || inlet->alerts->waiting() == 0);
    });
}

void Exporter::follow(const ClockSteps& steps) {
    steps_ = &steps;
    moved_records_.resize(Output::records_at_a_time);
    moved_alerts_.resize(Output::records_at_a_time);
}

// The records themselves, but where the clock was set.
RecordBatch Exporter::in_time_of_day(const RecordBatch& batch) {
    const Nanoseconds offset = clock_offset();
    if (offset == Nanoseconds{0}) {
        return batch;
    }
    const auto moved = std::span{moved_records_}.first(batch.records.size());
    std::ranges::copy(batch.records, moved.begin());
    for (flow::FlowRecord& record : moved) {
        record.start += offset;
        record.end += offset;
        record.flow_start += offset;
    }
    return {moved, batch.parts};
}

std::span<const inspect::Alert> Exporter::in_time_of_day(std::span<const inspect::Alert> alerts) {
    const Nanoseconds offset = clock_offset();
    if (offset == Nanoseconds{0}) {
        return alerts;
    }
    const auto moved = std::span{moved_alerts_}.first(alerts.size());
    std::ranges::copy(alerts, moved.begin());
    for (inspect::Alert& alert : moved) {
        alert.at += offset;
    }
    return moved;
}

bool Exporter::drain(Inlet& inlet) {
    std::array<RecordRing::Parts, Output::records_at_a_time> parts;
    const RecordBatch waiting = inlet.ring->readable(parts);
    if (waiting.records.empty() || must_wait()) {
        return false;
    }
    const RecordBatch batch = in_time_of_day(waiting);
    for (const flow::FlowRecord& record : batch.records) {
        inlet.dequeued += totals_of(record);
        applications_.add(record);
    }
    if (services_ != nullptr) {
        services_->add(batch);
    }
    // First the account, then what it speaks of: no output ever holds more than was dequeued.
    inlet.published.publish(inlet.dequeued);
    for (const auto& output : outputs_) {
        output->take(batch);
    }
    inlet.ring->consume(batch.records.size());
    return true;
}

void Exporter::alerts_from(std::span<AlertRing* const> rings, const AlertWords& words) {
    expects(rings.size() == inlets_.size());
    for (std::size_t inlet = 0; inlet < rings.size(); ++inlet) {
        inlets_[inlet]->alerts = rings[inlet];
    }
    words_ = &words;
}

// Those of one set of rules at a time: a reload lies between two sets.
bool Exporter::drain_alerts(Inlet& inlet) {
    if (inlet.alerts == nullptr) {
        return false;
    }
    auto alerts = inlet.alerts->readable();
    if (alerts.empty() || must_wait()) {
        return false;
    }
    alerts = alerts.first(std::min(alerts.size(), Output::records_at_a_time));
    const auto same_set = [&](const inspect::Alert& alert) {
        return alert.generation == alerts.front().generation;
    };
    const auto of_one_set = std::ranges::find_if_not(alerts, same_set);
    alerts = alerts.first(static_cast<std::size_t>(of_one_set - alerts.begin()));
    inlet.dequeued.alerts += alerts.size();
    inlet.published.publish(inlet.dequeued);
    words_->with(alerts.front().generation, [&](const AlertEvents& words) {
        const auto told = in_time_of_day(alerts);
        for (const auto& output : outputs_) {
            output->take_alerts(told, words);
        }
    });
    inlet.alerts->consume(alerts.size());
    return true;
}

void Exporter::tick_when_due() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_tick_ < tick_interval) {
        return;
    }
    last_tick_ = now;
    for (const auto& output : outputs_) {
        output->tick(now);
    }
    report_when_due(now);
}

void Exporter::report_when_due(std::chrono::steady_clock::time_point now) {
    if (!report_source_ || now - last_report_ < report_interval) {
        return;
    }
    last_report_ = now;
    const MeteringReport latest = report_source_();
    for (const auto& output : outputs_) {
        output->report(latest);
    }
}

}  // namespace tapmeter::exporting
