#include "src/pushing/counter_pusher.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace tapmeter::pushing {

namespace {

constexpr std::chrono::milliseconds last_push_time{500};

}  // namespace

Result<std::unique_ptr<CounterPusher>> CounterPusher::open(const Config::Influxdb& config,
                                                           exporting::LogLine log) {
    auto way = open_way(config);
    if (!way) {
        return tl::unexpected<Error>(std::move(way.error()));
    }
    return std::make_unique<CounterPusher>(config, std::move(log), std::move(*way));
}

CounterPusher::CounterPusher(const Config::Influxdb& config, exporting::LogLine log,
                             std::unique_ptr<Way> way)
    : interval_(config.interval),
      timeout_(config.timeout),
      log_(std::move(log)),
      way_(std::move(way)) {
    published_.publish(pushes_);
}

void CounterPusher::start(Lines lines) {
    lines_ = std::move(lines);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void CounterPusher::finish() {
    thread_ = {};
}

// A push that took longer than an interval is followed by the next at once.
void CounterPusher::run(const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "tap-counters");
    const Limits limits{.time = timeout_, .is_abandoned = [&] { return stop.stop_requested(); }};
    auto due = std::chrono::steady_clock::now() + interval_;
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        told_to_stop_.wait_until(lock, stop, due, [] { return false; });
        if (!stop.stop_requested()) {
            push(limits);
            due = std::max(due + interval_, std::chrono::steady_clock::now());
        }
    }
    push({.time = last_push_time, .is_abandoned = {}});
}

void CounterPusher::push(const Limits& limits) {
    const std::string lines = lines_();
    const auto pushed = way_->push(lines, limits);
    ++(pushed ? pushes_.done : pushes_.failed);
    pushes_.octets += pushed ? lines.size() : 0;
    published_.publish(pushes_);
    if (!pushed) {
        log_([&] { return "counters were not pushed: " + pushed.error().message; });
    }
}

}  // namespace tapmeter::pushing
