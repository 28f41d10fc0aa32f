#pragma once

#include <memory>
#include <vector>

#include "pipeline/base/clock.h"
#include "pipeline/base/counter.h"
#include "pipeline/base/source.h"
#include "src/generator/conversation.h"

namespace tapmeter::generator {

// An Observation Point without a network: conversations made up in memory at a steady rate. Shows
// the whole program at work on a machine with nothing to capture.
class GeneratorCapture final : public Capture {
public:
    struct Options {
        std::uint64_t packets_per_second = 10'000;  // 1 to 10,000,000
        std::uint64_t packets_max = 0;              // 0: without end
        std::uint16_t observation_point = 0;
        const LiveClock* clock = nullptr;  // outlives the capture
    };
    explicit GeneratorCapture(const Options& options);
    ~GeneratorCapture() override;

    std::size_t queues() const noexcept override { return 1; }
    PacketSource& queue(std::size_t index) noexcept override;
    bool symmetric() const noexcept override { return true; }
    void stop_arrivals() noexcept override;
    CaptureCounters counters() const override;
    std::string describe() const override;
    std::vector<Capability> capabilities() const override;

private:
    class Queue;
    Options options_;
    std::unique_ptr<Queue> queue_;
};

}  // namespace tapmeter::generator
