#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "pipeline/base/bytes.h"
#include "pipeline/base/result.h"
#include "pipeline/flow/own_sessions.h"
#include "src/config/config.h"

struct rd_kafka_s;
struct rd_kafka_topic_s;

namespace tapmeter::exporting {

// librdkafka: one producer for one topic. It calls back from poll() and purge() only, which is
// to say in the thread that owns it, but for connections.
class KafkaProducer {
public:
    // Errors are the library's own numbers, rd_kafka_resp_err_t; 0: none.
    static constexpr int too_late = -192;  // message.timeout.ms is over

    class Events {
    public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;

        // The fate of the message that was given with `mark`.
        virtual void delivered(void* mark, int error) = 0;
        virtual void troubled(const std::string& why) = 0;
        // The producer's own state is broken: another must take over.
        virtual void broken() = 0;
        virtual void told(std::string_view words) = 0;  // a warning or worse for the log
    };

    // errors  invalid_config  a property or a file that the library will not have
    static Result<void> check(const Config::Kafka& config);

    // `events` outlives it.
    static Result<std::unique_ptr<KafkaProducer>> open(const Config::Kafka& config, Events& events);

    KafkaProducer(const KafkaProducer&) = delete;
    KafkaProducer& operator=(const KafkaProducer&) = delete;
    ~KafkaProducer();  // what it still had is gone without a word

    // A message, which stays where it is until it is delivered(). Returns 0 or an error.
    int give(std::span<std::byte> message, std::string_view key, void* mark);

    void poll(int milliseconds);

    // Gives up what it has; most of it is delivered() with an error.
    void purge();

    // Asks for the topic: the library would wait five minutes before it does.
    void look_for_topic();

    static std::string words_of(int error);
    static bool is_for_good(int error) noexcept;  // no other try will change it
    static bool is_about_topic(int error) noexcept;
    static bool is_full(int error) noexcept;  // takes more once it has brought some away

private:
    struct Calls;  // from the library
    explicit KafkaProducer(Events& events) noexcept : events_(events) {}

    Events& events_;
    rd_kafka_s* producer_ = nullptr;
    rd_kafka_topic_s* topic_ = nullptr;
    std::mutex sessions_lock_;  // connections are made by the library's threads
    std::array<flow::OwnSession, 4> sessions_;
    std::size_t next_session_ = 0;
};

}  // namespace tapmeter::exporting
