#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "pipeline/base/result.h"
#include "pipeline/flow/own_sessions.h"
#include "src/config/config.h"
#include "src/exporting/account.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/kafka_frames.h"
#include "src/exporting/output_queue.h"
#include "src/exporting/rate_limited_log.h"

namespace tapmeter::exporting {

// The sending thread of an output to Kafka, by librdkafka. Messages are not copied: they stay in
// the queue's blocks until the brokers have acknowledged them, all replicas in sync, and only that
// counts as sent. A block is given back once each of its messages has its fate.
//
// The library tries again by itself, in order and without doubles (an idempotent producer). What it
// gives up for a reason that may pass (no such topic, no right to write) is handed to it again;
// what the brokers will never have (too large) is counted as refused. Where it says that its own
// state is broken, another producer takes over, and what was not acknowledged may then arrive
// twice.
class KafkaSender {
public:
    struct Setup {
        std::string output;  // "kafka/main", for the log
        Config::Kafka config;
        LogLine log;
    };

    // errors  invalid_config  a property or a file that the library will not have
    static Result<void> check(const Config::Kafka& config);

    // `queue` and `account` outlive it.
    KafkaSender(Setup setup, OutputQueue& queue, Account& account);
    KafkaSender(const KafkaSender&) = delete;
    KafkaSender& operator=(const KafkaSender&) = delete;
    ~KafkaSender();

    // The thread. Returns after queue.stop(), once nothing waits.
    void run();

private:
    using Clock = std::chrono::steady_clock;
    struct Library;  // librdkafka's half, and its calls back

    // What is known of one block that waits.
    struct Progress {
        std::size_t pending = 0;  // messages whose fate is not known
        RecordTotals sent;
        RecordTotals refused;
        RecordTotals send_error;
        std::uint64_t messages = 0;  // sent
        std::uint64_t message_octets = 0;
    };

    void step();
    void open();
    void close();
    void look_at_blocks();
    void take_back();
    bool give();
    bool give_one(std::byte* at, KafkaFrame& frame);
    void report(std::byte* at, int error);
    void again(const std::string& why);
    void settle_done();
    void give_up();
    void complain(const std::string& why);

    Setup setup_;
    OutputQueue& queue_;
    Account& account_;
    RateLimitedLog log_;
    std::unique_ptr<Library> library_;
    std::deque<Progress> blocks_;  // those that wait, oldest first
    std::uint64_t done_ = 0;       // blocks that were given back
    std::size_t block_ = 0;        // of blocks_: where the next message to be given is
    std::size_t offset_ = 0;       // in it
    bool giving_up_ = false;
    bool broken_ = false;            // the producer must be replaced
    bool topic_unknown_ = false;     // the brokers were asked in vain for it
    Clock::time_point next_give_{};  // after a refusal that may pass
    std::mutex sessions_lock_;       // connections are made by the library's threads
    std::array<flow::OwnSession, 4> sessions_;
    std::size_t next_session_ = 0;
};

}  // namespace tapmeter::exporting
