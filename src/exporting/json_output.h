#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "pipeline/base/result.h"
#include "src/config/config.h"
#include "src/exporting/account.h"
#include "src/exporting/block_filler.h"
#include "src/exporting/block_writer.h"
#include "src/exporting/datagram_sender.h"
#include "src/exporting/eve.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/output.h"
#include "src/exporting/output_queue.h"
#include "src/exporting/stream_sender.h"
#include "src/exporting/syslog.h"

namespace tapmeter::exporting {

// Opens the file of JSON lines, or the way to who takes them, and starts the sending thread. A
// receiver that is away is no error.
//
// interfaces  one per Observation Point, at least one, in the order of their indices
// errors      invalid_config  an interface's name is longer than a line has room for, the host of a
//                             UDP receiver cannot be resolved
//             io              the file cannot be opened
// names       what applications are called; outlives the output. Null: none is written
Result<std::unique_ptr<Output>> open_json(const Config::Json& config, const Interfaces& interfaces,
                                          LogLine log = {},
                                          const inspect::ApplicationNames* names = nullptr);

// Flow Records as lines of JSON, EVE or flat, to a file, to standard output, to a TCP or unix
// socket, or a datagram each by UDP; as they are, or as messages of syslog. Lines are written
// straight into the queue's blocks; records that find all of them waiting are dropped unwritten.
class JsonOutput final : public Output {
public:
    struct Parts {
        Config::Json config;
        LogLine log;
        std::optional<LineFile> file;  // one of these three
        std::optional<UdpSession> datagrams;
        std::unique_ptr<StreamSession> stream;
        Descriptor queue_event;
        const inspect::ApplicationNames* names = nullptr;
    };
    JsonOutput(Parts parts, const Interfaces& interfaces);
    ~JsonOutput() override;

    std::string_view name() const noexcept override { return name_; }
    // A block holds one record at least, so that many blocks are room enough.
    bool ready() noexcept override { return queue_.has_room(records_at_a_time); }
    void take(const RecordBatch& batch) override;
    void take_alerts(std::span<const inspect::Alert> alerts, const AlertEvents& words) override;
    void tick(std::chrono::steady_clock::time_point now) override;
    void flush(std::chrono::steady_clock::time_point deadline) override;
    void reopen() override {
        if (writer_) {
            writer_->request_reopen();
        }
    }
    OutputCounters counters() const override { return account_.read(); }

private:
    void take_one(const flow::FlowRecord& record, const RecordRing::Parts& beside);
    // What stands in a line besides its octets.
    struct Line {
        RecordTotals contents;
        ObservedAt at{};
        SyslogFraming::Subject subject{};
    };

    void write_alert(const inspect::Alert& alert, const AlertEvents& words);
    void take_alert(const std::string& line, const inspect::Alert& alert);
    void finish_line(std::span<std::byte> room, std::size_t octets, const Line& what);
    void open_way(Parts& parts);
    void run();

    std::string name_;
    Config::Json::Format format_;
    JsonLines lines_;
    std::string alert_line_;
    Account account_;
    OutputQueue queue_;
    BlockFiller filler_;
    bool one_a_block_ = false;             // line: a datagram each
    std::size_t line_room_;                // the longest line, framed
    std::optional<SyslogFraming> syslog_;  // null: lines as they are
    std::optional<BlockWriter> writer_;    // one of these three
    std::optional<DatagramSender> datagrams_;
    std::optional<StreamSender> stream_;
    std::jthread thread_;  // last: ends before what it uses
};

}  // namespace tapmeter::exporting
