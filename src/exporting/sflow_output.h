#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/base/published.h"
#include "pipeline/base/result.h"
#include "src/config/config.h"
#include "src/exporting/account.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/output.h"
#include "src/exporting/rate_limited_log.h"
#include "src/exporting/sflow.h"
#include "src/exporting/udp_session.h"

namespace tapmeter::exporting {

// Opens the session to one collector of sFlow and starts its sending thread.
//
// interfaces  one per Observation Point, in the order of their indices
// errors      as open_ipfix(); and what is set and of flow records alone
Result<std::unique_ptr<Output>> open_sflow(const Config::Ipfix& config,
                                           const Interfaces& interfaces, LogLine log);
// The same checks; the collector notices nothing.
Result<void> check_sflow(const Config::Ipfix& config);

// One collector of sFlow version 5: the first octets of one packet in N, and the counters of the
// interfaces. Flow records are nothing to it: all of them are left out.
//
// Each worker has a sampler with a ring of its own, which the sending thread empties; nobody else
// is on that way. A sample that finds no room is counted as a drop, here and in the next samples of
// its interface, and the packets that it stood for stand behind the next one. Packets are chosen
// among those of all interfaces of a worker, so the pool that a sample tells of is that of its
// interface on average, and exactly with one interface; all pools together are exact.
class SflowOutput final : public Output {
public:
    struct Parts {
        Config::Ipfix config;
        LogLine log;
        UdpSession session;
        std::uint64_t seed = 1;  // of the choice of packets
    };
    SflowOutput(Parts parts, const Interfaces& interfaces);
    ~SflowOutput() override;

    std::string_view name() const noexcept override { return name_; }
    bool takes_metadata() const noexcept override { return false; }
    void take(const RecordBatch& batch) override;
    void tick(std::chrono::steady_clock::time_point /*now*/) override {}
    void flush(std::chrono::steady_clock::time_point deadline) override;
    void report(const MeteringReport& latest) override;
    PacketSampler* sampler(std::size_t worker) override;
    Result<void> check_reload(const Config& fresh) const override;
    OutputCounters counters() const override;

private:
    using Clock = std::chrono::steady_clock;
    // Of one interface.
    struct DataSource {
        std::uint32_t flow_samples = 0;
        std::uint32_t counters_samples = 0;
        std::uint32_t pool = 0;
    };
    // What the sending thread says of samples, published whole.
    struct Finished {
        std::uint64_t sent = 0;
        std::uint64_t send_error = 0;
        std::uint64_t not_expressible = 0;
        std::uint64_t pool = 0;
        SampledSum packets{};
        SampledSum octets{};
    };

    void run();
    bool send_samples();
    void send_counters();
    void add(const PacketSampler& sampler, const PacketSample& sample);
    template <class Add>
    void put(const Add& add);
    void send_datagram();
    int try_to_send(Bytes datagram);
    std::uint64_t refused_of(std::size_t observation_point) const noexcept;

    std::string name_;
    Config::Ipfix config_;
    std::uint64_t seed_;
    UdpSession session_;
    RateLimitedLog log_;
    Account account_;
    std::array<std::unique_ptr<PacketSampler>, workers_max> samplers_;
    std::atomic<std::size_t> samplers_made_{0};
    SflowDatagram datagram_;
    std::uint32_t in_datagram_ = 0;  // samples of packets
    std::uint32_t sequence_ = 0;
    bool away_ = false;  // refused by ICMP, or there was no way
    std::vector<DataSource> sources_;
    Clock::time_point began_;
    Clock::time_point counters_at_;
    std::mutex report_mutex_;
    MeteringReport report_;
    Finished finished_;
    Published<Finished> published_;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> giving_up_{false};  // no time is left for what waits
    std::jthread thread_;                 // last: ends before what it uses
};

}  // namespace tapmeter::exporting
