#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/base/result.h"
#include "src/config/config.h"
#include "src/exporting/account.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/message.h"
#include "src/exporting/message_sender.h"
#include "src/exporting/output.h"
#include "src/exporting/output_queue.h"

namespace tapmeter::exporting {

// Where a session begins; anything else than this is for tests.
struct IpfixStart {
    std::uint32_t first_sequence = 0;
    std::chrono::steady_clock::time_point (*now)() = std::chrono::steady_clock::now;
};

// Opens the session to one Collector and starts its sending thread. A Collector that is away is no
// error: UDP cannot know.
//
// interfaces  one per Observation Point, at least one, in the order of their indices
// errors      invalid_config  the host cannot be resolved, a value out of its range
//             io              no socket, no route
Result<std::unique_ptr<Output>> open_ipfix(const Config::Ipfix& config,
                                           const Interfaces& interfaces, LogLine log = {},
                                           const IpfixStart& start = {});

// One Collector over UDP. Messages that find the queue full are dropped, and because their Data
// Records are counted in the sequence number all the same, the Collector sees the gap.
class IpfixOutput final : public Output {
public:
    struct Parts {
        Config::Ipfix config;
        LogLine log;
        IpfixStart start;
        UdpSession session;
        Descriptor queue_event;
    };
    IpfixOutput(Parts parts, const Interfaces& interfaces);
    ~IpfixOutput() override;

    std::string_view name() const noexcept override { return name_; }
    // A block holds one record at least, so that many blocks are room enough.
    bool ready() noexcept override { return queue_.has_room(records_at_a_time); }
    void take(const RecordBatch& batch) override;
    void tick(std::chrono::steady_clock::time_point now) override;
    void flush(std::chrono::steady_clock::time_point deadline) override;
    OutputCounters counters() const override { return account_.read(); }

private:
    // The messages of one Observation Domain.
    struct Stream {
        MessageBuilder builder;
        std::chrono::steady_clock::time_point begun{};  // the message in progress, by tick()
    };

    void take_one(const flow::FlowRecord& record);
    void finish_message(std::size_t stream);

    std::string name_;
    const Templates& templates_;
    std::vector<std::size_t> stream_of_point_;  // by Observation Point
    std::vector<Stream> streams_;
    Account account_;
    OutputQueue queue_;
    MessageSender sender_;
    std::chrono::steady_clock::time_point now_;
    std::size_t pushed_since_wake_ = 0;
    std::jthread thread_;  // last: ends before what it uses
};

}  // namespace tapmeter::exporting
