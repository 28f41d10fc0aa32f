#pragma once

#include <atomic>
#include <mutex>

#include "src/control/instance.h"
#include "tests/src/metrics/sample.h"

namespace tapmeter::control {

// The other side of the door: a program whose answers a test sets and whose calls it can see. The
// functions of Instance are called from the server's thread.
class FakeInstance : public Instance {
public:
    metrics::Snapshot snapshot() const override {
        const std::scoped_lock lock(mutex_);
        return snapshot_;
    }
    Result<std::string> reload() override {
        if (broken_config) {
            ++failed_;
            return failed(Error::Kind::invalid_config,
                          "tapmeter.toml:3:1: unknown key \"rx_rnig\"; did you mean \"rx_ring\"?");
        }
        ++reloaded;
        return "log level: now debug\nworkers.count: needs a restart";
    }
    Result<std::vector<PrefilterState>> prefilter() const override {
        const std::scoped_lock lock(mutex_);
        return states_;
    }
    Result<std::vector<PrefilterState>> change_prefilter(const PrefilterChange& change) override {
        const std::scoped_lock lock(mutex_);
        if (!change.interface.empty() && change.interface != states_.front().interface) {
            return failed(Error::Kind::no_such_device, "no prefilter on " + change.interface);
        }
        PrefilterState& state = states_.front();
        state.exclude.insert(state.exclude.end(), change.add.begin(), change.add.end());
        for (const std::string& prefix : change.remove) {
            std::erase(state.exclude, prefix);
        }
        state.excluded_prefixes = state.exclude.size();
        state.deny_ports.insert(state.deny_ports.end(), change.deny.begin(), change.deny.end());
        for (const std::uint16_t port : change.allow) {
            std::erase(state.deny_ports, port);
        }
        state.sample = change.sample == 0 ? state.sample : change.sample;
        return states_;
    }
    Result<std::string> recall(const RecallRequest& wanted) override {
        const std::scoped_lock lock(mutex_);
        recalled_ = wanted;
        recalled_expression_ = wanted.expression;
        return "recall 1: host";
    }
    Recall recalled() const {
        const std::scoped_lock lock(mutex_);
        return recalled_;
    }
    std::string recalled_expression() const {
        const std::scoped_lock lock(mutex_);
        return recalled_expression_;
    }
    void request_stop() override { ++stopped; }
    std::string effective_config_json() const override { return R"({"log_level":"info"})"; }
    std::uint64_t reloads(bool ok) const override { return ok ? reloaded : failed_; }

    void set(const metrics::Snapshot& snapshot) {
        const std::scoped_lock lock(mutex_);
        snapshot_ = snapshot;
    }

    std::atomic<std::uint64_t> reloaded{0};
    std::atomic<std::uint64_t> stopped{0};
    std::atomic<bool> broken_config{false};

private:
    mutable std::mutex mutex_;
    metrics::Snapshot snapshot_ = metrics::sample_snapshot();
    std::vector<PrefilterState> states_{
        {.interface = "p0", .exclude = {"10.0.0.0/8"}, .excluded_prefixes = 1, .deny_ports = {22}}};
    Recall recalled_{};
    std::string recalled_expression_;
    std::atomic<std::uint64_t> failed_{0};
};

}  // namespace tapmeter::control
