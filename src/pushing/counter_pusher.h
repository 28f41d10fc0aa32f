#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "pipeline/base/published.h"
#include "pipeline/base/result.h"
#include "src/config/config.h"
#include "src/exporting/rate_limited_log.h"
#include "src/metrics/snapshot.h"
#include "src/pushing/way.h"

namespace tapmeter::pushing {

// Pushes the counters once an interval, in a thread of its own, and once more at the end.
class CounterPusher {
public:
    // The counters as they are now, in whole lines. Called from the pusher's thread.
    using Lines = std::function<std::string()>;

    // config  with a URL
    // errors  as open_way()
    static Result<std::unique_ptr<CounterPusher>> open(const Config::Influxdb& config,
                                                       exporting::LogLine log);
    CounterPusher(const Config::Influxdb& config, exporting::LogLine log, std::unique_ptr<Way> way);

    // Main thread, once. The first push is due after an interval.
    void start(Lines lines);

    // Main thread, once: ends a push in progress, pushes for the last time, for half a second at
    // most. Nothing without a start().
    void finish();

    // Any thread.
    metrics::Snapshot::Pushes counters() const noexcept { return published_.read(); }

private:
    void run(const std::stop_token& stop);
    void push(const Limits& limits);

    std::chrono::seconds interval_;
    std::chrono::seconds timeout_;
    exporting::RateLimitedLog log_;
    std::unique_ptr<Way> way_;
    Lines lines_;
    metrics::Snapshot::Pushes pushes_;
    Published<metrics::Snapshot::Pushes> published_;
    std::mutex mutex_;
    std::condition_variable_any told_to_stop_;
    std::jthread thread_;  // last: ends before what it uses
};

}  // namespace tapmeter::pushing
