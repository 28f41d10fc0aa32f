#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "pipeline/base/result.h"
#include "src/config/config.h"
#include "src/exporting/account.h"
#include "src/exporting/block_filler.h"
#include "src/exporting/eve.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/ipfix_singles.h"
#include "src/exporting/kafka_sender.h"
#include "src/exporting/output.h"
#include "src/exporting/output_queue.h"
#include "src/exporting/record_choice.h"
#include "src/exporting/spool.h"

namespace tapmeter::exporting {

// Opens the way into a topic of Kafka and starts its sending thread. Brokers that are away are no
// error: flow records wait.
//
// interfaces  one per Observation Point, at least one, in the order of their indices
// names       what applications are called; outlives the output. Null: none is written
// errors      invalid_config  a filter, a property, a file that cannot be used; an interface's name
//                             is longer than a line has room for; or this program was built without
//                             Kafka
Result<std::unique_ptr<Output>> open_kafka(const Config::Kafka& config,
                                           const Interfaces& interfaces, LogLine log = {},
                                           const inspect::ApplicationNames* names = nullptr);

// The same checks without a thread or a connection.
Result<void> check_kafka(const Config::Kafka& config, const Interfaces& interfaces);

// Each Flow Record as a message of one topic: an object of JSON, or an IPFIX Message. Its key is a
// hash of the flow's key, so all records of a flow are in one partition, in order. With EVE, alerts
// are messages too, which have no key. Messages are written straight into the queue's blocks.
class KafkaOutput final : public Output {
public:
    struct Parts {
        Config::Kafka config;
        LogLine log;
        RecordChoice choice;
        std::optional<IpfixSingles> singles;  // of the format ipfix
        Descriptor queue_event;
        const inspect::ApplicationNames* names = nullptr;
        std::unique_ptr<Spool> spool;  // null: blocks wait in the queue alone
    };
    KafkaOutput(Parts parts, const Interfaces& interfaces);
    ~KafkaOutput() override;

    std::string_view name() const noexcept override { return name_; }
    bool ready() noexcept override { return queue_.has_room(room_for_a_take_); }
    void take(const RecordBatch& batch) override;
    void take_alerts(std::span<const inspect::Alert> alerts, const AlertEvents& words) override;
    void tick(std::chrono::steady_clock::time_point now) override { filler_.tick(now); }
    void flush(std::chrono::steady_clock::time_point deadline) override;
    OutputCounters counters() const override { return account_.read(); }

private:
    void take_one(const flow::FlowRecord& record, const RecordRing::Parts& beside);
    std::size_t write(std::span<std::byte> to, const flow::FlowRecord& record,
                      const RecordRing::Parts& beside);
    void add(std::span<std::byte> room, const KafkaFrame& frame, ObservedAt at);

    std::string name_;
    Config::Kafka::Format format_;
    RecordChoice choice_;
    JsonLines lines_;
    std::optional<IpfixSingles> singles_;
    std::string alert_line_;
    std::size_t message_octets_max_;
    Account account_;
    OutputQueue queue_;
    BlockFiller filler_;
    std::size_t room_for_a_take_;  // blocks
    KafkaSender sender_;
    std::jthread thread_;  // last: ends before what it uses
};

}  // namespace tapmeter::exporting
