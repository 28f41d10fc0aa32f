#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "pipeline/base/result.h"
#include "src/config/config.h"
#include "src/exporting/account.h"
#include "src/exporting/backlog.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/kafka_frames.h"
#include "src/exporting/kafka_producer.h"
#include "src/exporting/output_queue.h"
#include "src/exporting/rate_limited_log.h"

namespace tapmeter::exporting {

// The sending thread of an output to Kafka, by librdkafka. Messages are not copied for it: they
// stay in their blocks until the brokers have acknowledged them, all replicas in sync, and only
// that counts as sent. A block is given back once each of its messages has its fate.
//
// The library tries again by itself, in order and without doubles (an idempotent producer). What it
// gives up for a reason that may pass (no such topic, no right to write) is handed to it again;
// what the brokers will never have (too large) is counted as refused. Where it says that its own
// state is broken, another producer takes over, and what was not acknowledged may then arrive
// twice; likewise after a restart what was on its way from the disk.
class KafkaSender final : private KafkaProducer::Events {
public:
    struct Setup {
        std::string output;  // "kafka/main", for the log
        Config::Kafka config;
        LogLine log;
        Backlog::Setup backlog{};
    };

    // With a spool: blocks that are with the library at a time.
    static constexpr std::size_t blocks_in_hand_max = 64;

    // `queue` and `account` outlive it.
    KafkaSender(Setup setup, OutputQueue& queue, Account& account);
    KafkaSender(const KafkaSender&) = delete;
    KafkaSender& operator=(const KafkaSender&) = delete;
    ~KafkaSender() override;

    // The thread. Returns after queue.stop(), once nothing waits in the queue.
    void run();

    // Exporter core, at the end (backlog.h).
    void drain(std::chrono::steady_clock::time_point deadline) const { backlog_.drain(deadline); }

private:
    using Clock = std::chrono::steady_clock;

    // What is known of one block in hand.
    struct Progress {
        std::size_t pending = 0;  // messages whose fate is not known
        Backlog::Fate fate;
    };

    void delivered(void* mark, int error) override;
    void troubled(const std::string& why) override { complain(why); }
    void broken() override { broken_ = true; }
    void told(std::string_view words) override;

    void step();
    void serve();
    void open();
    void close();
    void take_in_hand();
    Progress looked_at(Backlog::Held& held);
    void take_back();
    bool give();
    bool give_one(std::byte* at, KafkaFrame& frame);
    bool is_waited_for() const;
    void report(std::byte* at, int error);
    void again(const std::string& why);
    void settle_done();
    void give_up();
    void finish_in_hand();
    void complain(const std::string& why);

    Setup setup_;
    OutputQueue& queue_;
    Account& account_;
    RateLimitedLog log_;
    Backlog backlog_;
    std::unique_ptr<KafkaProducer> producer_;
    std::deque<Progress> blocks_;  // of those in hand, oldest first
    std::uint64_t done_ = 0;       // blocks that were given back
    std::size_t block_ = 0;        // of blocks_: where the next message to be given is
    std::size_t offset_ = 0;       // in it
    bool giving_up_ = false;
    bool broken_ = false;            // the producer must be replaced
    bool topic_unknown_ = false;     // the brokers were asked in vain for it
    Clock::time_point next_give_{};  // after a refusal that may pass
};

}  // namespace tapmeter::exporting
