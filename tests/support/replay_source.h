#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/source.h"
#include "tests/support/frames.h"

namespace tapmeter::testing {

// A frame and the time at which it is observed.
struct TimedFrame {
    Frame frame;
    Nanoseconds at{0};
};

// A capture backend made of given frames: lets the whole pipeline run without a NIC.
class ReplaySource final : public PacketSource {
public:
    explicit ReplaySource(std::vector<TimedFrame> frames) : frames_(std::move(frames)) {}
    // Frames one microsecond apart.
    explicit ReplaySource(const std::vector<Frame>& frames) {
        for (const Frame& frame : frames) {
            const auto number = static_cast<std::int64_t>(frames_.size()) + 1;
            frames_.push_back({frame, Nanoseconds{number * 1'000}});
        }
    }

    void receive(Burst& burst) noexcept override {
        burst.count = 0;
        while (next_ < frames_.size() && burst.count < burst_packets_max) {
            const TimedFrame& timed = frames_[next_++];
            burst.packets[burst.count++] = {
                .frame = timed.frame,
                .observed_at = ObservedAt{timed.at},
                .wire_octets = static_cast<std::uint32_t>(timed.frame.size()),
            };
            octets_ += timed.frame.size();
        }
        ++bursts_out_;
    }
    void release() noexcept override { --bursts_out_; }
    SourceCounters counters() const noexcept override {
        return {.received = {next_}, .received_octets = {octets_}};
    }
    std::string describe() const override { return "replay"; }
    bool exhausted() const noexcept override { return next_ == frames_.size(); }

    int bursts_not_released() const noexcept { return bursts_out_; }

private:
    std::vector<TimedFrame> frames_;
    std::size_t next_ = 0;
    std::uint64_t octets_ = 0;
    int bursts_out_ = 0;
};

}  // namespace tapmeter::testing
