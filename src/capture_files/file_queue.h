#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/base/counter.h"
#include "pipeline/base/published.h"
#include "pipeline/base/result.h"
#include "pipeline/base/source.h"
#include "src/capture_files/format.h"
#include "src/capture_files/octet_source.h"
#include "src/capture_files/record_reader.h"

namespace tapmeter::capture_files {

// One opened file or pipe, recognised, standing at its first octet.
struct Input {
    std::string name;  // for messages
    std::unique_ptr<OctetSource> octets;
    Format format;
};

// How far the reader is.
struct Progress {
    Octets octets_read{};
    Octets octets_total{};  // 0: unknown, a pipe is among the inputs
};

// The inputs of a capture, read one after the other by one worker.
class FileQueue final : public PacketSource {
public:
    // inputs  at least one
    FileQueue(std::vector<Input> inputs, std::uint16_t observation_point);

    // PacketSource. A burst never holds packets of two files. Waits for a slow pipe at most
    // stream_wait_milliseconds.
    void receive(Burst& burst) noexcept override;
    void release() noexcept override;
    SourceCounters counters() const noexcept override { return published_.read(); }
    std::string describe() const override;
    bool exhausted() const noexcept override { return current_ == inputs_.size(); }

    // Any thread: the queue is exhausted at its next receive().
    void stop() noexcept { stopped_.store(true, std::memory_order_relaxed); }

    Progress progress() const noexcept;  // any thread; may lag the reader by a burst

    // The polling thread, or after joining it. See FileCapture::status().
    Result<void> status() const;

    bool views_stay_valid() const noexcept;
    const std::vector<Input>& inputs() const noexcept { return inputs_; }

private:
    void start_input() noexcept;
    void end_input(Turn turn) noexcept;
    void give_up() noexcept;
    void publish(const Burst& burst) noexcept;

    std::vector<Input> inputs_;
    Octets octets_total_{};  // 0: unknown
    std::uint16_t observation_point_;
    std::atomic<bool> stopped_{false};

    RecordReader reader_;
    std::size_t current_ = 0;  // index of the input being read
    bool burst_is_out_ = false;
    SourceCounters received_{};
    std::uint64_t octets_of_ended_inputs_ = 0;
    std::uint64_t packets_of_ended_inputs_ = 0;
    Published<SourceCounters> published_;
    Counter octets_read_;

    struct FirstDamage {
        std::size_t input = 0;
        std::uint64_t packets_before = 0;  // in the same input
        Damage damage;
    };
    FirstDamage first_damage_;
    std::size_t damaged_inputs_ = 0;
};

}  // namespace tapmeter::capture_files
