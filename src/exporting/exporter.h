#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "pipeline/base/clock.h"
#include "pipeline/base/published.h"
#include "pipeline/record_ring.h"
#include "src/exporting/alert_words.h"
#include "src/exporting/application_totals.h"
#include "src/exporting/output.h"
#include "src/exporting/service_totals.h"

namespace tapmeter::exporting {

// The exporter core: drains every worker's ring in turn and hands what it finds to every output.
// One thread at a time calls run(), step() and finish().
//
// For law L8: each record of a ring is counted as dequeued before an output takes it. Who reads
// the outputs' counters() first and dequeued() after them finds, for every output, taken <= the
// sum over the rings, and equality once the rings rest.
class Exporter {
public:
    using AlertRing = inspect::AlertRing;

    // rings    one per worker, in the order of the workers; they outlive the Exporter
    // patience wait: records stay in the rings while an output is behind, as files can wait;
    //          refuse: outputs drop and count what they cannot queue, as live traffic must
    enum class Patience : std::uint8_t { refuse, wait };
    Exporter(std::vector<RecordRing*> rings, std::vector<std::unique_ptr<Output>> outputs,
             Patience patience = Patience::refuse);

    // Before run(): the rings of alerts, one per worker in the same order, and the words of their
    // rules. All of them outlive the Exporter.
    void alerts_from(std::span<AlertRing* const> rings, const AlertWords& words);

    // Before run(): whom to ask for the report that outputs pass on. Called by the exporter core,
    // about once a second; it must not wait.
    void report_from(std::function<MeteringReport()> source) { report_source_ = std::move(source); }

    // Before run(): the services that are metered beside. names  of applications; outlive this
    void meter_services(std::vector<Service> services, const inspect::ApplicationNames& names);

    // Before run(), of live traffic: outputs are told the time of day as it is now, also where the
    // system's clock was set since. steps  outlives the Exporter
    void follow(const ClockSteps& steps);

    // Steps until told to stop; naps, a millisecond at most, while nothing arrives. Does not
    // finish(): the workers may still be at work.
    void run(const std::stop_token& stop);

    // Looks once at every ring; ticks the outputs when it is time. False: nothing was there.
    bool step();

    // At the end, when the workers are done: drains the rings until they are empty and flushes
    // every output, until `deadline` in all.
    void finish(std::chrono::steady_clock::time_point deadline);

    // Any thread: what was taken from each ring, each one a consistent cut.
    std::vector<RecordTotals> dequeued() const;

    // Any thread: what each application has carried.
    std::vector<ApplicationTotals::Total> applications() const { return applications_.read(); }

    // Any thread: how each service fares; empty where there are none.
    std::vector<ServiceTotals::Total> services() const;

    // Any thread, for their counters(); the control side, for what a reload asks of them.
    const std::vector<std::unique_ptr<Output>>& outputs() const noexcept { return outputs_; }

private:
    struct Inlet {
        RecordRing* ring;
        AlertRing* alerts = nullptr;  // null: no signatures
        RecordTotals dequeued;        // exporter core's
        Published<RecordTotals> published;
    };

    Nanoseconds clock_offset() const noexcept {
        return steps_ == nullptr ? Nanoseconds{0} : steps_->offset();
    }
    RecordBatch in_time_of_day(const RecordBatch& batch);
    std::span<const inspect::Alert> in_time_of_day(std::span<const inspect::Alert> alerts);
    bool drain(Inlet& inlet);
    bool drain_alerts(Inlet& inlet);
    bool must_wait();
    bool rings_are_empty() const;
    void tick_when_due();
    void report_when_due(std::chrono::steady_clock::time_point now);

    std::vector<std::unique_ptr<Inlet>> inlets_;
    std::vector<std::unique_ptr<Output>> outputs_;
    ApplicationTotals applications_;
    std::unique_ptr<ServiceTotals> services_;  // null: there are none
    const AlertWords* words_ = nullptr;
    const ClockSteps* steps_ = nullptr;  // null: times stay as they are
    std::vector<flow::FlowRecord> moved_records_;
    std::vector<inspect::Alert> moved_alerts_;
    Patience patience_;
    std::optional<std::chrono::steady_clock::time_point> waiting_since_;  // with Patience::wait
    std::chrono::steady_clock::time_point last_tick_{};
    std::function<MeteringReport()> report_source_;
    std::chrono::steady_clock::time_point last_report_{};
};

}  // namespace tapmeter::exporting
