#include "src/appliance/appliance.h"

#include <algorithm>
#include <set>
#include <utility>

#include "src/appliance/analytics.h"
#include "src/appliance/cores.h"
#include "src/appliance/filters.h"
#include "src/metrics/influx_lines.h"
#include "src/metrics/look.h"

namespace tapmeter {

namespace {

std::size_t queues_of(const Captures& captures) {
    std::size_t queues = 0;
    for (const auto& point : captures.points) {
        queues = std::max(queues, point->queues());
    }
    return queues;
}

std::size_t worker_count(const Config& config, const Captures& captures) {
    return config.workers.count != 0
               ? config.workers.count
               : std::min<std::size_t>(queues_of(captures), workers_wanted(config));
}

// Where the operator gives none: one domain of one capture is called INSTANCE:CAPTURE, one that
// captures share as another of them says, or like the instance.
void name_domains(const std::string& instance, exporting::Interfaces& interfaces) {
    using exporting::Interface;
    for (Interface& unnamed : interfaces) {
        if (!unnamed.observation_domain_name.empty()) {
            continue;
        }
        const auto shares = [&unnamed](const Interface& other) {
            return other.observation_domain_id == unnamed.observation_domain_id;
        };
        const auto named = std::ranges::find_if(interfaces, [&shares](const Interface& other) {
            return shares(other) && !other.observation_domain_name.empty();
        });
        const bool is_shared = std::ranges::count_if(interfaces, shares) > 1;
        unnamed.observation_domain_name = named != interfaces.end() ? named->observation_domain_name
                                          : is_shared               ? instance
                                                                    : instance + ":" + unnamed.name;
    }
}

}  // namespace

std::uint32_t workers_wanted(const Config& config) {
    std::uint32_t queues = config.workers.count;
    for (const Config::Capture& capture : config.captures) {
        queues = std::max(queues, capture.queues);
    }
    if (queues == 0 && !config.workers.cores.empty()) {
        queues = static_cast<std::uint32_t>(config.workers.cores.size());
    }
    return queues != 0 ? queues : static_cast<std::uint32_t>(usable_cores().size());
}

exporting::Interfaces interfaces_of(const Config& config) {
    exporting::Interfaces interfaces;
    for (const Config::Capture& capture : config.captures) {
        const auto index = static_cast<std::uint32_t>(interfaces.size());
        interfaces.push_back(
            {.name = capture.name,
             .observation_domain_id = ObservationDomainId{capture.observation_domain_id.value_or(
                 config.instance.observation_domain_id + index)},
             .observation_domain_name = capture.observation_domain_name,
             .vrf_id = capture.vrf_id,
             .vrf_name = capture.vrf_name});
    }
    name_domains(config.instance.name, interfaces);
    return interfaces;
}

Result<std::unique_ptr<Appliance>> Appliance::build(Parts parts) {
    auto appliance = std::make_unique<Appliance>(Private{}, std::move(parts));
    if (auto built = appliance->build_metering(); !built) {
        return tl::unexpected<Error>(std::move(built.error()));
    }
    return appliance;
}

Appliance::Appliance(Private, Parts parts) : parts_(std::move(parts)), handover_(parts_.handover) {
    std::vector<std::string> names;
    for (const Config::Capture& capture : parts_.config.captures) {
        auto rules = prefilter_rules(capture.prefilter);  // open_captures() has read them already
        rules_.push_back(rules ? std::move(*rules) : xdp::PrefilterRules{});
        names.push_back(capture.name);
    }
    interface_watch_ = std::make_unique<InterfaceWatch>(names);
}

Appliance::~Appliance() {
    stop(std::chrono::milliseconds{0});
}

bool Appliance::recorded() const {
    return std::ranges::all_of(parts_.captures.points,
                               [](const auto& point) { return point->recorded(); });
}

Result<void> Appliance::build_metering() {
    const bool any_recorded = std::ranges::any_of(
        parts_.captures.points, [](const auto& point) { return point->recorded(); });
    if (any_recorded && !recorded()) {
        return failed(Error::Kind::invalid_config,
                      "recordings and live interfaces cannot be metered together: the time of a "
                      "recording is not the time of day; run one tapmeter for each");
    }
    const auto hash_key = handover_ != nullptr ? handover_->hash_key() : flow::random_hash_key();
    if (!hash_key) {
        return tl::unexpected<Error>(hash_key.error());
    }
    const std::size_t workers = worker_count(parts_.config, parts_.captures);
    if (parts_.config.workers.steering == Config::Steering::hardware &&
        queues_of(parts_.captures) < workers) {
        return failed(Error::Kind::invalid_config,
                      "workers.steering = \"hardware\" with " + std::to_string(workers) +
                          " workers, but no capture has more than " +
                          std::to_string(queues_of(parts_.captures)) +
                          " queues: a worker without a queue would get nothing; lower "
                          "workers.count or take \"auto\"");
    }
    if (auto loaded = load_signatures(); !loaded) {
        return loaded;
    }
    auto filters = make_filters(parts_.config);
    if (!filters) {
        return tl::unexpected<Error>(std::move(filters.error()));
    }
    filters_ = std::move(*filters);
    build_sources(workers);
    if (handover_ != nullptr) {
        handover_->take_stock();
    }
    for (PacketSource* source : sources_) {
        if (auto added = add_worker(*source, *hash_key); !added) {
            return added;
        }
    }
    std::vector<RecordRing*> rings;
    for (const auto& ring : rings_) {
        rings.push_back(ring.get());
    }
    using Patience = exporting::Exporter::Patience;
    exporter_ = std::make_unique<exporting::Exporter>(
        rings, std::move(parts_.outputs), recorded() ? Patience::wait : Patience::refuse);
    exporter_->report_from([this] { return metering_report(); });
    if (auto metered = meter_services(); !metered) {
        return metered;
    }
    if (parts_.steps != nullptr) {
        exporter_->follow(*parts_.steps);
    }
    if (signatures_ != nullptr) {
        exporter_->alerts_from(signatures_->rings(), signatures_->words());
    }
    build_crew();
    settle_handover();
    auto writers = build_writer();
    return writers ? build_recall_writer() : writers;
}

bool Appliance::packets_find_their_worker(std::size_t workers) const {
    const auto steering = parts_.config.workers.steering;
    if (workers == 1 || steering == Config::Steering::hardware) {
        return true;
    }
    if (steering == Config::Steering::software) {
        return false;
    }
    return parts_.captures.same_symmetric_hash &&
           std::ranges::all_of(parts_.captures.points, [workers](const auto& point) {
               return point->symmetric() && point->queues() >= workers;
           });
}

// Queue q of every capture is polled by worker q modulo workers; or all queues by the steering.
void Appliance::build_sources(std::size_t workers) {
    const bool direct = packets_find_their_worker(workers);
    const std::size_t pollers = direct ? workers : 1;
    std::vector<std::vector<PacketSource*>> queues(pollers);
    for (const auto& point : parts_.captures.points) {
        for (std::size_t queue = 0; queue < point->queues(); ++queue) {
            queues[queue % pollers].push_back(&point->queue(queue));
        }
    }
    if (!direct) {
        const bool stay_valid = std::ranges::all_of(
            parts_.captures.points, [](const auto& point) { return point->views_stay_valid(); });
        const auto key = handover_ != nullptr ? handover_->steering_key()
                                              : flow::random_hash_key().value_or(flow::HashKey{});
        steering_ =
            std::make_unique<Steering>(Steering::Parts{.inlets = queues.front(),
                                                       .outlets = workers,
                                                       .outer_points = outer_points(parts_.config),
                                                       .views_stay_valid = stay_valid,
                                                       .hash_key = key.front()});
        for (std::size_t worker = 0; worker < workers; ++worker) {
            sources_.push_back(&steering_->outlet(worker));
        }
        return;
    }
    for (auto& polled : queues) {
        if (polled.size() == 1) {
            sources_.push_back(polled.front());
        } else {
            merged_.push_back(std::make_unique<MergedSource>(std::move(polled)));
            sources_.push_back(merged_.back().get());
        }
    }
}

void Appliance::build_crew() {
    Crew::Parts crew{.members = {},
                     .steering = steering_.get(),
                     .steering_live = !recorded(),
                     .nap_when_idle = parts_.config.workers.idle == Config::Idle::adaptive,
                     .around = {}};
    const auto& cores = parts_.config.workers.cores;
    for (std::size_t number = 0; number < workers_.size(); ++number) {
        crew.members.push_back(
            {.worker = workers_[number].get(),
             .live = !recorded(),
             .core = number < cores.size() ? static_cast<int>(cores[number]) : -1,
             .slot = handover_ != nullptr ? &handover_->slot_of(number) : nullptr});
    }
    if (parts_.captures.eal != nullptr) {
        crew.around = [](const std::function<void()>& body) {
            const dpdk::ThreadRegistration registration;
            body();
        };
    }
    crew_ = std::make_unique<Crew>(std::move(crew));
}

Result<void> Appliance::start() {
    started_at_ = std::chrono::steady_clock::now();
    start_time_seconds_ =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    exporter_thread_ = std::jthread([this](const std::stop_token& stop) {
        name_this_thread("exporter");
        exporter_->run(stop);
    });
    if (parts_.captures.shunt != nullptr) {
        shunt_thread_ = std::jthread([this](const std::stop_token& stop) {
            name_this_thread("shunt");
            parts_.captures.shunt->run(stop);
        });
    }
    if (writer_ != nullptr) {
        writer_thread_ = std::jthread([this](const std::stop_token& stop) {
            name_this_thread("writer");
            writer_->run(stop);
        });
    }
    if (parts_.pusher != nullptr) {
        parts_.pusher->start([this] { return counter_lines(); });
    }
    if (recall_writer_ != nullptr) {
        recall_thread_ = std::jthread([this](const std::stop_token& stop) {
            name_this_thread("recall");
            recall_writer_->run(stop);
        });
    }
    return crew_->start();
}

void Appliance::stop(std::chrono::milliseconds within) {
    if (crew_ == nullptr || !exporter_thread_.joinable()) {
        return;
    }
    const auto deadline = std::chrono::steady_clock::now() + within;
    for (const auto& point : parts_.captures.points) {
        point->stop_arrivals();
    }
    crew_->stop(recorded() ? ObservedAt{} : parts_.clock->now());
    shunt_thread_ = {};
    writer_thread_ = {};
    recall_thread_ = {};
    exporter_thread_.request_stop();
    exporter_thread_.join();
    exporter_->finish(deadline);
    settled_.store(true);
    if (parts_.pusher != nullptr) {
        parts_.pusher->finish();
    }
}

std::vector<std::string> Appliance::describe() const {
    std::vector<std::string> lines;
    for (std::size_t index = 0; index < parts_.captures.points.size(); ++index) {
        const Capture& point = *parts_.captures.points[index];
        std::string line =
            "interface " + parts_.config.captures[index].name + ": " + point.describe();
        for (const Capability& capability : point.capabilities()) {
            line += "; " + capability.name + ": " + capability.value;
        }
        lines.push_back(std::move(line));
    }
    if (parts_.captures.eal != nullptr) {
        lines.push_back("DPDK memory: " + parts_.captures.eal->memory());
    }
    const Worker& worker = *workers_.front();
    lines.push_back(
        std::to_string(workers_.size()) + (workers_.size() == 1 ? " worker" : " workers") +
        (steering_ ? ", steered by software" : "") +
        "; flow table: " + std::to_string(worker.table_octets() >> 20U) + " MiB each on " +
        std::string(name_of(worker.table_pages())) + ", hash " + std::string(worker.hash_method()));
    if (signatures_ != nullptr) {
        lines.push_back(signatures_->describe());
    }
    return lines;
}

metrics::Snapshot Appliance::snapshot() const {
    metrics::Snapshot look = metrics::take_look({
        .interfaces = [this] { return interface_accounts(); },
        .steering_waiting = [this]() -> std::uint64_t {
            return steering_ != nullptr ? steering_->waiting() : 0;
        },
        .shunt_counted = [this]() -> std::uint64_t {
            return parts_.captures.shunt != nullptr ? parts_.captures.shunt->counted().value : 0;
        },
        .workers = [this] { return worker_accounts(); },
        .rings = [this] { return ring_accounts(); },
        .outputs = [this] { return output_accounts(); },
    });
    look.applications = application_totals();
    look.services = exporter_->services();
    look.restarts = restarts();
    look.settled = settled_.load();
    if (writer_ != nullptr) {
        look.writer = writer_->books();
    }
    if (parts_.pusher != nullptr) {
        look.pushes = parts_.pusher->counters();
    }
    if (recall_writer_ != nullptr) {
        look.recalls = recall_writer_->books();
    }
    look.steered = steering_ != nullptr;
    look.queue_skew_warm = parts_.config.overload.queue_skew / 100.0;
    measure_skew(look);
    look.uptime_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started_at_).count();
    look.start_time_seconds = start_time_seconds_;
    return look;
}

// What was asked of the control server is the server's to tell.
std::string Appliance::counter_lines() const {
    const metrics::Surroundings surroundings{
        .reloads_ok = reloads(true), .reloads_failed = reloads(false), .requests = {}};
    return metrics::influx_lines(snapshot(), surroundings, parts_.config.instance.name,
                                 std::chrono::system_clock::now());
}

void Appliance::measure_skew(metrics::Snapshot& look) const {
    std::vector<metrics::SkewMeter::Packets> packets;
    for (const metrics::Snapshot::Interface& interface : look.interfaces) {
        auto& of_queues = packets.emplace_back();
        for (const SourceCounters& queue : interface.queues) {
            of_queues.push_back(queue.received.value);
        }
    }
    const auto skews = skew_.look(packets, std::chrono::steady_clock::now());
    for (std::size_t index = 0; index < skews.size(); ++index) {
        look.interfaces[index].queue_skew = skews[index];
    }
}

}  // namespace tapmeter
