#include "src/exporting/sflow_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <system_error>
#include <utility>

#include "pipeline/base/expects.h"
#include "pipeline/flow/flow_hash.h"
#include "src/exporting/own_socket.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds nap_when_idle{20};
constexpr milliseconds nap_when_busy{2};
constexpr milliseconds writable_patience{20};
constexpr milliseconds refusal_patience{2};  // for the ICMP answer of a collector that is away
constexpr std::chrono::seconds patience_at_end{1};
constexpr int attempts_max = 10;  // at one datagram
// Of one worker. At 10 million packets a second and 1 in 1,024, 200 ms' worth.
constexpr std::size_t samples_max = 2'048;

SflowDatagram::Agent agent_of(const UdpSession& session) {
    const LocalEnd local = session.local();
    return {.address = local.endpoint, .ip_version = local.ip_version};
}

// A collector of packets has no use for what flow records are chosen and made by.
Result<void> check_plain(const Config::Ipfix& config) {
    const bool plain = config.fields.empty() && config.filter.empty() && config.sampling == 1 &&
                       config.group.empty() && config.pace == 0 && config.spool_folder.empty();
    if (!plain) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("export.ipfix '{}': template, filter, sampling, group, pace and "
                                  "spool are of flow records, and sFlow has none; leave them out, "
                                  "or change the collector's URL",
                                  config.name));
    }
    return {};
}

Result<UdpSession> open_session(const Config::Ipfix& config) {
    if (auto plain = check_plain(config); !plain) {
        return tl::unexpected<Error>(std::move(plain.error()));
    }
    return UdpSession::open(config.host, config.port);
}

}  // namespace

Result<void> check_sflow(const Config::Ipfix& config) {
    auto session = open_session(config);
    return session ? Result<void>{} : tl::unexpected<Error>(std::move(session.error()));
}

Result<std::unique_ptr<Output>> open_sflow(const Config::Ipfix& config,
                                           const Interfaces& interfaces, LogLine log) {
    const auto seed = flow::random_hash_key();
    if (!seed) {
        return tl::unexpected<Error>(seed.error());
    }
    auto session = open_session(config);
    if (!session) {
        return tl::unexpected<Error>(std::move(session.error()));
    }
    return std::make_unique<SflowOutput>(
        SflowOutput::Parts{config, std::move(log), std::move(*session), seed->front()}, interfaces);
}

SflowOutput::SflowOutput(Parts parts, const Interfaces& interfaces)
    : name_("sflow/" + parts.config.name),
      config_(std::move(parts.config)),
      seed_(parts.seed),
      session_(std::move(parts.session)),
      log_(std::move(parts.log)),
      datagram_(agent_of(session_)),
      sources_(interfaces.size()),
      began_(Clock::now()),
      counters_at_(began_) {
    session_.allow_fragments(true);
    published_.publish(finished_);
    account_.publish_taker();
    thread_ = std::jthread([this] { run(); });
}

SflowOutput::~SflowOutput() {
    flush(Clock::now() + patience_at_end);
}

PacketSampler* SflowOutput::sampler(std::size_t worker) {
    expects(worker < samplers_.size() && worker == samplers_made_.load());
    samplers_[worker] =
        std::make_unique<PacketSampler>(PacketSampler::Setup{.one_in = config_.packet_sampling,
                                                             .samples_max = samples_max,
                                                             .observation_points = sources_.size(),
                                                             .seed = seed_ + worker * 0x9E37'79B9});
    // Pairs with the acquires of the sending thread and of counters(): the sampler is made.
    samplers_made_.store(worker + 1, std::memory_order_release);
    return samplers_[worker].get();
}

void SflowOutput::take(const RecordBatch& batch) {
    for (const flow::FlowRecord& record : batch.records) {
        account_.taker.taken += totals_of(record);
    }
    account_.taker.left_out = account_.taker.taken;
    account_.publish_taker();
}

// The exporter core does not wait: another report comes in a second.
void SflowOutput::report(const MeteringReport& latest) {
    if (const std::unique_lock guard(report_mutex_, std::try_to_lock); guard.owns_lock()) {
        report_ = latest;
    }
}

// The workers are done by now: the thread empties their rings, and that is all.
void SflowOutput::flush(Clock::time_point deadline) {
    stopping_.store(true, std::memory_order_release);
    while (counters().samples.waiting != 0 && Clock::now() < deadline) {
        std::this_thread::sleep_for(milliseconds{1});
    }
    giving_up_.store(true, std::memory_order_release);
    thread_ = {};
    finished_.send_error += counters().samples.waiting;
    published_.publish(finished_);
}

// The thread. One look at the rings after it was told to stop, at least.
void SflowOutput::run() {
    for (bool last = false; !last;) {
        last = stopping_.load(std::memory_order_acquire);
        bool busy = false;
        while (!giving_up_.load(std::memory_order_acquire) && send_samples()) {
            busy = true;
        }
        if (last || Clock::now() >= counters_at_) {
            send_counters();
        }
        if (!datagram_.empty()) {
            send_datagram();
        }
        if (!last) {
            std::this_thread::sleep_for(busy ? nap_when_busy : nap_when_idle);
        }
    }
}

// Of each worker, what lies there in one piece. False: nothing was there.
bool SflowOutput::send_samples() {
    bool any = false;
    const std::size_t samplers = samplers_made_.load(std::memory_order_acquire);
    for (std::size_t worker = 0; worker < samplers; ++worker) {
        PacketSampler& sampler = *samplers_[worker];
        const auto samples = sampler.samples().readable();
        for (const PacketSample& sample : samples) {
            add(sampler, sample);
        }
        sampler.samples().consume(samples.size());
        any |= !samples.empty();
    }
    return any;
}

void SflowOutput::add(const PacketSampler& sampler, const PacketSample& sample) {
    expects(sample.observation_point < sources_.size());
    DataSource& source = sources_[sample.observation_point];
    source.pool += static_cast<std::uint32_t>(sample.packets);
    finished_.pool += sample.packets;
    sampling::add_chosen(finished_.packets, 1, sampler.one_in());
    sampling::add_chosen(finished_.octets, sample.wire_octets, sampler.one_in());
    if (!is_expressible_in_sflow(sample)) {
        ++finished_.not_expressible;
        published_.publish(finished_);
        return;
    }
    const SflowDatagram::Source from{std::uint32_t{sample.observation_point} + 1,
                                     ++source.flow_samples};
    const SflowDatagram::Sampling sampling{
        sampler.one_in(), source.pool,
        static_cast<std::uint32_t>(refused_of(sample.observation_point))};
    put([&] { return datagram_.add(from, sampling, sample); });
    ++in_datagram_;
}

// Into the datagram in progress; where there is no room, into the next.
template <class Add>
void SflowOutput::put(const Add& add) {
    if (!add()) {
        send_datagram();
        const bool added = add();
        expects(added);
    }
}

void SflowOutput::send_counters() {
    MeteringReport report;
    {
        const std::lock_guard guard(report_mutex_);
        report = report_;
    }
    if (report.empty()) {
        return;  // nobody has said anything yet
    }
    counters_at_ = Clock::now() + config_.counter_interval;
    for (std::size_t point = 0; point < std::min(report.size(), sources_.size()); ++point) {
        const SflowDatagram::Source from{static_cast<std::uint32_t>(point) + 1,
                                         ++sources_[point].counters_samples};
        put([&] { return datagram_.add(from, report[point]); });
    }
}

void SflowOutput::send_datagram() {
    const auto uptime = std::chrono::duration_cast<milliseconds>(Clock::now() - began_);
    const Bytes octets = datagram_.finish(++sequence_, static_cast<std::uint32_t>(uptime.count()));
    const int error = try_to_send(octets);
    (error == 0 ? finished_.sent : finished_.send_error) += in_datagram_;
    published_.publish(finished_);
    account_.sender.up = error == 0 ? 1 : 0;
    account_.sender.messages += error == 0 ? 1U : 0U;
    account_.sender.message_octets += error == 0 ? octets.size() : 0U;
    account_.publish_sender();
    datagram_.begin();
    in_datagram_ = 0;
    if (error != 0) {
        log_([&] {
            return fmt::format(
                "output {}: the collector at {} cannot be sent to: {}; samples are counted as "
                "send_error; see that it runs and listens on this UDP port",
                name_, session_.peer(), std::generic_category().message(error));
        });
    }
}

// Returns errno, 0: accepted. News by ICMP is of an earlier datagram: this one is tried again, and
// from then on each is waited for until one is not refused.
int SflowOutput::try_to_send(Bytes datagram) {
    int error = 0;
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        error = session_.send(std::span{&datagram, 1}).error;
        if (error == 0) {
            error = away_ ? session_.wait_error(refusal_patience) : 0;
            away_ = is_unreachable(error);
            return away_ ? error : 0;
        }
        away_ = away_ || is_unreachable(error);
        session_.wait_writable(is_unreachable(error) ? milliseconds{0} : writable_patience);
    }
    return error;
}

std::uint64_t SflowOutput::refused_of(std::size_t observation_point) const noexcept {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < samplers_made_.load(std::memory_order_acquire); ++i) {
        all += samplers_[i]->refused_of(observation_point);
    }
    return all;
}

// What became of samples first, then how many there were: the rest waits.
OutputCounters SflowOutput::counters() const {
    OutputCounters counters = account_.read();
    const Finished finished = published_.read();
    PacketSamples& samples = counters.samples;
    samples.one_in = config_.packet_sampling;
    samples.sent = finished.sent;
    samples.send_error = finished.send_error;
    samples.not_expressible = finished.not_expressible;
    samples.pool = finished.pool;
    samples.packets = finished.packets;
    samples.octets = finished.octets;
    for (std::size_t i = 0; i < samplers_made_.load(std::memory_order_acquire); ++i) {
        samples.taken += samplers_[i]->taken();
        samples.ring_full += samplers_[i]->refused();
    }
    samples.waiting = samples.taken - samples.sent - samples.send_error - samples.not_expressible;
    return counters;
}

// A template is no change that waits for a restart: the restart would refuse it.
Result<void> SflowOutput::check_reload(const Config& fresh) const {
    const auto block = std::ranges::find(fresh.ipfix, config_.name, &Config::Ipfix::name);
    const bool same = block != fresh.ipfix.end() && block->transport == config_.transport;
    return same ? check_plain(*block) : Result<void>{};
}

}  // namespace tapmeter::exporting
