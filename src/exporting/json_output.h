#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "pipeline/base/result.h"
#include "src/config/config.h"
#include "src/exporting/account.h"
#include "src/exporting/block_writer.h"
#include "src/exporting/eve.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/output.h"
#include "src/exporting/output_queue.h"

namespace tapmeter::exporting {

// Opens the file of JSON lines and starts its writing thread.
//
// interfaces  one per Observation Point, at least one, in the order of their indices
// errors      invalid_config  an interface's name is longer than a line has room for
//             io              the file cannot be opened
// names       what applications are called; outlives the output. Null: none is written
Result<std::unique_ptr<Output>> open_json(const Config::Json& config, const Interfaces& interfaces,
                                          LogLine log = {},
                                          const inspect::ApplicationNames* names = nullptr);

// Flow Records as lines of JSON, EVE or flat, to a file or to standard output. Lines are written
// straight into the queue's blocks; records that find all of them waiting are dropped unwritten.
class JsonOutput final : public Output {
public:
    struct Parts {
        Config::Json config;
        LogLine log;
        LineFile file;
        Descriptor queue_event;
        const inspect::ApplicationNames* names = nullptr;
    };
    JsonOutput(Parts parts, const Interfaces& interfaces);
    ~JsonOutput() override;

    std::string_view name() const noexcept override { return name_; }
    // A block holds one record at least, so that many blocks are room enough.
    bool ready() noexcept override { return queue_.has_room(records_at_a_time); }
    void take(const RecordBatch& batch) override;
    void tick(std::chrono::steady_clock::time_point now) override;
    void flush(std::chrono::steady_clock::time_point deadline) override;
    void reopen() override { writer_.request_reopen(); }
    OutputCounters counters() const override { return account_.read(); }

private:
    void take_one(const flow::FlowRecord& record, const RecordRing::Parts& beside);
    void hand_over();

    std::string name_;
    Config::Json::Format format_;
    JsonLines lines_;
    Account account_;
    OutputQueue queue_;
    BlockWriter writer_;
    Block block_;                                    // the one in progress
    std::span<std::byte> room_;                      // its storage in the queue; empty: none begun
    std::chrono::steady_clock::time_point begun_{};  // by tick()
    std::chrono::steady_clock::time_point now_;
    std::jthread thread_;  // last: ends before what it uses
};

}  // namespace tapmeter::exporting
