#include "src/exporting/kafka_producer.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "src/exporting/kafka_properties.h"
#include "src/exporting/own_socket.h"

namespace tapmeter::exporting {
namespace {

using Words = std::array<char, 512>;

static_assert(KafkaProducer::too_late == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT);

struct ConfEnd {
    void operator()(rd_kafka_conf_t* conf) const noexcept { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, ConfEnd>;

Result<Conf> conf_of(const Config::Kafka& config) {
    auto properties = kafka_properties(config);
    if (!properties) {
        return tl::unexpected<Error>(std::move(properties.error()));
    }
    Conf conf(rd_kafka_conf_new());
    Words words{};
    for (const KafkaProperty& one : *properties) {
        if (rd_kafka_conf_set(conf.get(), one.key.c_str(), one.value.c_str(), words.data(),
                              words.size()) != RD_KAFKA_CONF_OK) {
            return failed(Error::Kind::invalid_config, words.data());
        }
    }
    return conf;
}

rd_kafka_resp_err_t error_of(int number) noexcept {
    return static_cast<rd_kafka_resp_err_t>(number);
}

}  // namespace

struct KafkaProducer::Calls {
    static void delivered(rd_kafka_t* /*producer*/, const rd_kafka_message_t* message, void* of) {
        static_cast<KafkaProducer*>(of)->events_.delivered(message->_private, message->err);
    }
    static void troubled(rd_kafka_t* producer, int error, const char* reason, void* of) {
        Events& events = static_cast<KafkaProducer*>(of)->events_;
        events.troubled(fmt::format("{}: {}", rd_kafka_err2name(error_of(error)), reason));
        Words words{};
        if (error == RD_KAFKA_RESP_ERR__FATAL &&
            rd_kafka_fatal_error(producer, words.data(), words.size()) !=
                RD_KAFKA_RESP_ERR_NO_ERROR) {
            events.broken();
        }
    }
    static void told(const rd_kafka_t* producer, int level, const char* /*kind*/,
                     const char* words) {
        constexpr int warning = 4;  // syslog(3)
        if (level <= warning) {
            static_cast<KafkaProducer*>(rd_kafka_opaque(producer))->events_.told(words);
        }
    }
    static int connect(int socket, const sockaddr* address, int length, const char* /*broker*/,
                       void* of) {
        auto& ours = *static_cast<KafkaProducer*>(of);
        {
            const std::lock_guard guard(ours.sessions_lock_);
            note_own_before(ours.sessions_[ours.next_session_], socket, address,
                            static_cast<socklen_t>(length));
            ours.next_session_ = (ours.next_session_ + 1) % ours.sessions_.size();
        }
        const int connected = ::connect(socket, address, static_cast<socklen_t>(length));
        return connected == 0 || errno == EINPROGRESS ? 0 : errno;
    }
};

Result<void> KafkaProducer::check(const Config::Kafka& config) {
    auto conf = conf_of(config);
    if (!conf) {
        return tl::unexpected<Error>(std::move(conf.error()));
    }
    // Some properties exclude others: only a producer finds out. It connects to nobody yet.
    Words words{};
    rd_kafka_t* const producer =
        rd_kafka_new(RD_KAFKA_PRODUCER, conf->get(), words.data(), words.size());
    if (producer == nullptr) {
        return failed(Error::Kind::invalid_config, words.data());
    }
    [[maybe_unused]] rd_kafka_conf_t* const its_own = conf->release();
    rd_kafka_destroy(producer);
    return {};
}

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::open(const Config::Kafka& config,
                                                           Events& events) {
    auto conf = conf_of(config);
    if (!conf) {
        return tl::unexpected<Error>(std::move(conf.error()));
    }
    auto ours = std::unique_ptr<KafkaProducer>(new KafkaProducer(events));
    rd_kafka_conf_set_opaque(conf->get(), ours.get());
    rd_kafka_conf_set_dr_msg_cb(conf->get(), &Calls::delivered);
    rd_kafka_conf_set_error_cb(conf->get(), &Calls::troubled);
    rd_kafka_conf_set_log_cb(conf->get(), &Calls::told);
    rd_kafka_conf_set_connect_cb(conf->get(), &Calls::connect);
    Words words{};
    ours->producer_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf->get(), words.data(), words.size());
    if (ours->producer_ == nullptr) {
        return failed(Error::Kind::io, words.data());
    }
    [[maybe_unused]] rd_kafka_conf_t* const now_its_own = conf->release();
    rd_kafka_set_log_queue(ours->producer_, nullptr);
    ours->topic_ = rd_kafka_topic_new(ours->producer_, config.topic.c_str(), nullptr);
    if (ours->topic_ == nullptr) {
        return failed(Error::Kind::io, rd_kafka_err2str(rd_kafka_last_error()));
    }
    return ours;
}

KafkaProducer::~KafkaProducer() {
    if (topic_ != nullptr) {
        rd_kafka_topic_destroy(topic_);
    }
    if (producer_ != nullptr) {
        rd_kafka_destroy(producer_);
    }
}

int KafkaProducer::give(std::span<std::byte> message, std::string_view key, void* mark) {
    const bool given =
        rd_kafka_produce(topic_, RD_KAFKA_PARTITION_UA, 0, message.data(), message.size(),
                         key.empty() ? nullptr : key.data(), key.size(), mark) == 0;
    return given ? 0 : rd_kafka_last_error();
}

void KafkaProducer::poll(int milliseconds) {
    rd_kafka_poll(producer_, milliseconds);
}

void KafkaProducer::purge() {
    constexpr int patience_milliseconds = 3'000;
    rd_kafka_purge(producer_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(producer_, patience_milliseconds);
}

void KafkaProducer::look_for_topic() {
    constexpr int patience_milliseconds = 1'000;
    const rd_kafka_metadata_t* found = nullptr;
    if (rd_kafka_metadata(producer_, 0, topic_, &found, patience_milliseconds) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_metadata_destroy(found);
    }
}

std::string KafkaProducer::words_of(int error) {
    return rd_kafka_err2str(error_of(error));
}

bool KafkaProducer::is_for_good(int error) noexcept {
    switch (error_of(error)) {
        case RD_KAFKA_RESP_ERR_INVALID_MSG:
        case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
        case RD_KAFKA_RESP_ERR_INVALID_RECORD:
        case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
            return true;
        default:
            return false;
    }
}

bool KafkaProducer::is_about_topic(int error) noexcept {
    return error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
           error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

bool KafkaProducer::is_full(int error) noexcept {
    return error == RD_KAFKA_RESP_ERR__QUEUE_FULL;
}

}  // namespace tapmeter::exporting
