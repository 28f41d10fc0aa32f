#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/base/clock.h"
#include "pipeline/merged_source.h"
#include "pipeline/steering.h"
#include "pipeline/worker.h"
#include "src/appliance/captures.h"
#include "src/appliance/crew.h"
#include "src/appliance/handover.h"
#include "src/appliance/interface_watch.h"
#include "src/appliance/signatures.h"
#include "src/config/config.h"
#include "src/control/instance.h"
#include "src/exporting/exporter.h"
#include "src/exporting/interfaces.h"
#include "src/metrics/skew.h"
#include "src/pushing/counter_pusher.h"
#include "src/saving/packet_writer.h"
#include "src/saving/recall_writer.h"

namespace tapmeter {

// Owns every part of the running program, starts them along the road of a packet and stops them in
// the same order: captures, workers, rings, exporter core, outputs. Main thread, but for what
// control::Instance lets the control server ask.
class Appliance final : public control::Instance {
public:
    // What reload() is to go by.
    struct NewConfig {
        Config config;
        std::string json;                        // as effective_config_json()
        std::vector<std::string> needs_restart;  // keys that changed and only apply at a start
    };
    struct Parts {
        Config config;
        Captures captures;
        std::vector<std::unique_ptr<exporting::Output>> outputs;
        const LiveClock* clock = nullptr;   // outlives the appliance, as the next
        const ClockSteps* steps = nullptr;  // null: times of packets leave as they are
        exporting::LogLine log;  // what the writer of packets has to say; empty: nobody listens
        std::string config_json;
        inspect::ApplicationNames* names = nullptr;  // outlives the appliance; null: nobody asks
        std::function<Result<NewConfig>()> read_config_again;  // empty: reload is refused
        std::unique_ptr<pushing::CounterPusher> pusher;        // null: counters are not pushed
        Handover* handover = nullptr;  // outlives the appliance; null: nobody comes after it
    };

    // Builds all parts: memory is taken here, packets are not looked at before start().
    // errors  no_memory, invalid_config
    static Result<std::unique_ptr<Appliance>> build(Parts parts);
    class Private {  // so that only build() makes one
        friend class Appliance;
        Private() = default;
    };
    Appliance(Private, Parts parts);
    ~Appliance() override;

    Result<void> start();

    // Waits until every source is exhausted or request_stop() was called, at most so long.
    // True: it is time to stop().
    bool wait_for(std::chrono::milliseconds time) { return crew_->wait_for(time); }

    // Everything leaves: queues, tables, rings, outputs. Afterwards the books are settled.
    // within  how long the outputs may take to send what is left
    void stop(std::chrono::milliseconds within);

    // Several times a second while it runs: keeps what only this process knows where the next one
    // will look for it. Main thread.
    void note_handover() const;

    // Likewise: interfaces that come and go. What has changed, for the log.
    std::vector<InterfaceWatch::Event> look_after_interfaces();

    metrics::Snapshot snapshot() const override;
    Result<std::string> reload() override;
    Result<std::vector<control::PrefilterState>> prefilter() const override;
    Result<std::vector<control::PrefilterState>> change_prefilter(
        const control::PrefilterChange& change) override;
    Result<std::string> recall(const control::RecallRequest& wanted) override;
    void request_stop() override { crew_->request_stop(); }
    std::string effective_config_json() const override;
    std::uint64_t reloads(bool ok) const override;

    // For the log at start: what was opened and how.
    std::vector<std::string> describe() const;

private:
    Result<void> build_metering();
    Result<void> add_worker(PacketSource& source, const flow::HashKey& hash_key);
    bool packets_find_their_worker(std::size_t workers) const;
    void build_sources(std::size_t workers);
    bool adopts(std::size_t worker) const;
    void settle_handover();
    metrics::Restarts restarts() const;
    Result<std::unique_ptr<inspect::Inspector>> make_inspector(std::size_t worker,
                                                               std::size_t flow_places);
    bool wants_contents() const;
    Result<std::unique_ptr<inspect::ContentReader>> make_content();
    Result<void> load_signatures();
    Result<std::unique_ptr<Saving>> make_saving();
    std::string packets_file() const;
    Result<void> build_writer();
    Result<std::unique_ptr<History>> make_history(std::size_t worker);
    const inspect::AlertRing* alerts_of(std::size_t worker) const;
    Result<void> build_recall_writer();
    Result<RecallFilter*> take_recall_filter(const std::string& expression);
    std::vector<saving::PacketWriter::Point> packet_points() const;
    saving::Blocks::Statistics statistics_of(std::size_t point) const;
    Shunts::Settings shunt_settings(std::size_t worker) const;
    std::vector<PacketSampler*> samplers_of_worker(std::size_t worker) const;
    Result<void> meter_services();
    void build_crew();
    bool recorded() const;
    int core_of(std::size_t worker) const;  // -1: not pinned
    std::vector<metrics::Snapshot::Interface> interface_accounts() const;
    std::vector<metrics::Snapshot::Worker> worker_accounts() const;
    exporting::MeteringReport metering_report() const;
    std::vector<metrics::Snapshot::Ring> ring_accounts() const;
    std::vector<metrics::Snapshot::Output> output_accounts() const;
    std::vector<metrics::Snapshot::ApplicationTotal> application_totals() const;
    std::string counter_lines() const;
    void measure_skew(metrics::Snapshot& look) const;
    Result<std::vector<std::unique_ptr<inspect::Dissector>>> load_dissectors(const Config& fresh);
    std::string swap_dissectors(std::vector<std::unique_ptr<inspect::Dissector>> dissectors);
    Result<std::unique_ptr<const inspect::SignatureSet>> load_signatures_again(const Config& fresh);
    Result<std::string> swap_signatures(std::unique_ptr<const inspect::SignatureSet> fresh);
    Result<void> check_outputs(const Config& fresh) const;
    std::string reload_outputs(const Config& fresh);
    Result<std::string> apply_prefilters(const Config& fresh);
    std::vector<control::PrefilterState> prefilter_states() const;

    Parts parts_;
    Handover* handover_;                                    // null: nobody comes after this process
    std::unique_ptr<inspect::ApplicationNames> own_names_;  // where nobody else has them
    std::unique_ptr<SignatureControl> signatures_;          // null: there are none
    std::unique_ptr<const filter::PacketFilters> filters_;  // null: no capture has one
    std::unique_ptr<InterfaceWatch> interface_watch_;
    std::unique_ptr<Steering> steering_;  // null where packets find their worker by themselves
    std::vector<std::unique_ptr<MergedSource>> merged_;
    std::vector<PacketSource*> sources_;  // one per worker
    std::vector<std::unique_ptr<RecordRing>> rings_;
    std::vector<std::unique_ptr<SaveRing>> save_rings_;    // one a worker; none: nothing is written
    std::vector<std::unique_ptr<SaveRing>> recall_rings_;  // one a worker; none: nothing is kept
    std::vector<std::unique_ptr<Worker>> workers_;
    std::unique_ptr<exporting::Exporter> exporter_;
    std::unique_ptr<saving::PacketWriter> writer_;         // null: no packet is written
    std::unique_ptr<saving::RecallWriter> recall_writer_;  // null: there is no history
    std::unique_ptr<Crew> crew_;
    std::jthread exporter_thread_;
    std::jthread shunt_thread_;
    std::jthread writer_thread_;
    std::jthread recall_thread_;
    std::chrono::steady_clock::time_point started_at_{};
    double start_time_seconds_ = 0;
    std::atomic<bool> settled_{false};
    mutable metrics::SkewMeter skew_;  // has a lock of its own

    mutable std::mutex control_mutex_;  // of the four below; control side only
    std::vector<xdp::PrefilterRules> rules_;
    std::uint64_t reloads_done_ = 0;
    std::uint64_t reloads_failed_ = 0;
    std::uint32_t recalls_asked_ = 0;
    // A worker may be a little behind the writer that knows that a recall is over.
    std::array<RecallFilter, 2 * History::commands_max> recall_filters_;
};

// How many workers the configuration asks for; with 0 one per queue that is worth having here.
std::uint32_t workers_wanted(const Config& config);

// One Interface per capture, for the outputs.
exporting::Interfaces interfaces_of(const Config& config);

}  // namespace tapmeter
