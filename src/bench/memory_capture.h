#pragma once

#include <memory>
#include <vector>

#include "src/bench/memory_source.h"

namespace tapmeter::bench {

// An Observation Point in memory with one queue a worker: the whole program runs as on a port whose
// NIC spreads flows symmetrically, without the NIC.
class MemoryCapture final : public Capture {
public:
    // traffic  one for each queue
    MemoryCapture(std::vector<Traffic> traffic, const MemorySource::Options& options);

    std::size_t queues() const noexcept override { return sources_.size(); }
    PacketSource& queue(std::size_t index) noexcept override { return *sources_[index]; }
    MemorySource& source(std::size_t index) noexcept { return *sources_[index]; }
    bool symmetric() const noexcept override { return true; }
    bool views_stay_valid() const noexcept override { return false; }
    void stop_arrivals() noexcept override;
    CaptureCounters counters() const override;
    std::string describe() const override { return "made in memory"; }
    std::vector<Capability> capabilities() const override { return {}; }

private:
    std::vector<Traffic> traffic_;
    std::vector<std::unique_ptr<MemorySource>> sources_;
};

}  // namespace tapmeter::bench
