#include "src/exporting/kafka_sender.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "pipeline/base/expects.h"
#include "src/exporting/kafka_properties.h"
#include "src/exporting/own_socket.h"
#include "src/exporting/sigpipe.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds idle_patience{200};
constexpr int poll_milliseconds = 10;
constexpr milliseconds give_again{500};
constexpr milliseconds patience_at_end{3'000};

// Errors of a message that no other try will change.
bool is_for_good(rd_kafka_resp_err_t error) noexcept {
    switch (error) {
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

bool is_about_topic(rd_kafka_resp_err_t error) noexcept {
    return error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
           error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

using Words = std::array<char, 512>;

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

}  // namespace

// The library calls back from its rd_kafka_poll() only, which is to say from our thread, but for
// connections.
struct KafkaSender::Library {
    KafkaSender& sender;
    rd_kafka_t* producer = nullptr;
    rd_kafka_topic_t* topic = nullptr;

    explicit Library(KafkaSender& of) noexcept : sender(of) {}
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() {
        if (topic != nullptr) {
            rd_kafka_topic_destroy(topic);
        }
        if (producer != nullptr) {
            rd_kafka_destroy(producer);
        }
    }

    // Empty: it is open.
    std::string open() {
        auto conf = conf_of(sender.setup_.config);
        if (!conf) {
            return conf.error().message;
        }
        rd_kafka_conf_set_opaque(conf->get(), this);
        rd_kafka_conf_set_dr_msg_cb(conf->get(), &delivered);
        rd_kafka_conf_set_error_cb(conf->get(), &troubled);
        rd_kafka_conf_set_log_cb(conf->get(), &told);
        rd_kafka_conf_set_connect_cb(conf->get(), &connect);
        Words words{};
        producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf->get(), words.data(), words.size());
        if (producer == nullptr) {
            return words.data();
        }
        [[maybe_unused]] rd_kafka_conf_t* const now_its_own = conf->release();
        rd_kafka_set_log_queue(producer, nullptr);
        topic = rd_kafka_topic_new(producer, sender.setup_.config.topic.c_str(), nullptr);
        return topic == nullptr ? rd_kafka_err2str(rd_kafka_last_error()) : "";
    }

    // Asks for the topic: the library would wait five minutes before it does.
    void look_for_topic() const {
        constexpr int patience_milliseconds = 1'000;
        const rd_kafka_metadata_t* found = nullptr;
        if (rd_kafka_metadata(producer, 0, topic, &found, patience_milliseconds) ==
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_metadata_destroy(found);
        }
    }

    static void delivered(rd_kafka_t* /*producer*/, const rd_kafka_message_t* message, void* of) {
        static_cast<Library*>(of)->sender.report(static_cast<std::byte*>(message->_private),
                                                 message->err);
    }
    static void troubled(rd_kafka_t* producer, int error, const char* reason, void* of) {
        KafkaSender& sender = static_cast<Library*>(of)->sender;
        sender.complain(fmt::format(
            "{}: {}", rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(error)), reason));
        Words words{};
        if (error == RD_KAFKA_RESP_ERR__FATAL &&
            rd_kafka_fatal_error(producer, words.data(), words.size()) !=
                RD_KAFKA_RESP_ERR_NO_ERROR) {
            sender.broken_ = true;
        }
    }
    static void told(const rd_kafka_t* producer, int level, const char* /*kind*/,
                     const char* words) {
        constexpr int warning = 4;  // syslog(3)
        if (level <= warning) {
            static_cast<Library*>(rd_kafka_opaque(producer))->sender.log_([&] {
                return std::string(words);
            });
        }
    }
    static int connect(int socket, const sockaddr* address, int length, const char* /*broker*/,
                       void* of) {
        KafkaSender& sender = static_cast<Library*>(of)->sender;
        {
            const std::lock_guard guard(sender.sessions_lock_);
            note_own_before(sender.sessions_[sender.next_session_], socket, address,
                            static_cast<socklen_t>(length));
            sender.next_session_ = (sender.next_session_ + 1) % sender.sessions_.size();
        }
        const int connected = ::connect(socket, address, static_cast<socklen_t>(length));
        return connected == 0 || errno == EINPROGRESS ? 0 : errno;
    }
};

Result<void> KafkaSender::check(const Config::Kafka& config) {
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

KafkaSender::KafkaSender(Setup setup, OutputQueue& queue, Account& account)
    : setup_(std::move(setup)), queue_(queue), account_(account), log_(setup_.log) {}

KafkaSender::~KafkaSender() = default;

void KafkaSender::run() {
    block_sigpipe();
    open();
    while (!queue_.stopping() || !queue_.readable().empty()) {
        step();
    }
    close();
}

void KafkaSender::open() {
    library_ = std::make_unique<Library>(*this);
    if (const std::string fault = library_->open(); !fault.empty()) {
        complain(fault);
        library_.reset();
        next_give_ = Clock::now() + give_again;
    }
}

// Whatever the library had is ours again.
void KafkaSender::close() {
    if (library_ != nullptr) {
        rd_kafka_purge(library_->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(library_->producer, static_cast<int>(patience_at_end.count()));
        library_.reset();
        take_back();
    }
}

// What the library ended with, and said nothing of.
void KafkaSender::take_back() {
    for (std::size_t index = 0; index < blocks_.size(); ++index) {
        const std::span<std::byte> octets = queue_.writable_octets_of(index);
        for (std::size_t at = 0; at < octets.size();) {
            KafkaFrame frame = load_frame(octets.subspan(at));
            if (frame.state == KafkaFrame::State::given) {
                frame.state = KafkaFrame::State::waiting;
                store_frame(octets.subspan(at), frame);
            }
            at += frame.stride();
        }
    }
}

void KafkaSender::step() {
    look_at_blocks();
    if (queue_.abandoned()) {
        give_up();
        return;
    }
    if (broken_) {
        close();
        broken_ = false;
        again("the producer begins anew");
    }
    const bool may_give = Clock::now() >= next_give_;
    if (library_ == nullptr && may_give) {
        open();
    }
    if (library_ == nullptr) {
        queue_.pause(idle_patience);
        return;
    }
    if (may_give && std::exchange(topic_unknown_, false)) {
        library_->look_for_topic();
    }
    const bool gave = may_give && give();
    const bool waits =
        std::ranges::any_of(blocks_, [](const Progress& block) { return block.pending != 0; });
    rd_kafka_poll(library_->producer, waits && !gave ? poll_milliseconds : 0);
    settle_done();
    if (!waits) {
        queue_.wait(idle_patience);
    }
}

// Counts the messages of blocks that have come since.
void KafkaSender::look_at_blocks() {
    const std::size_t waiting = queue_.readable().size();
    while (blocks_.size() < waiting) {
        Progress block;
        const Bytes octets = queue_.octets_of(blocks_.size());
        for (std::size_t at = 0; at < octets.size();
             at += load_frame(octets.subspan(at)).stride()) {
            ++block.pending;
        }
        blocks_.push_back(block);
    }
}

// Hands to the library what it takes now. True: some message went.
bool KafkaSender::give() {
    bool gave = false;
    while (block_ < blocks_.size()) {
        const std::span<std::byte> octets = queue_.writable_octets_of(block_);
        while (offset_ < octets.size()) {
            std::byte* const at = octets.data() + offset_;
            KafkaFrame frame = load_frame(octets.subspan(offset_));
            if (frame.state == KafkaFrame::State::waiting && !give_one(at, frame)) {
                return gave;
            }
            gave = true;
            offset_ += frame.stride();
        }
        ++block_;
        offset_ = 0;
    }
    return gave;
}

// False: not now.
bool KafkaSender::give_one(std::byte* at, KafkaFrame& frame) {
    constexpr std::size_t key_octets = 16;
    const std::string key = frame.key == 0 ? std::string() : fmt::format("{:016x}", frame.key);
    expects(key.size() <= key_octets);
    frame.state = KafkaFrame::State::given;
    store_frame({at, sizeof frame}, frame);
    if (rd_kafka_produce(library_->topic, RD_KAFKA_PARTITION_UA, 0, at + sizeof frame, frame.octets,
                         key.empty() ? nullptr : key.data(), key.size(), at) == 0) {
        return true;
    }
    const rd_kafka_resp_err_t error = rd_kafka_last_error();
    if (is_for_good(error)) {
        report(at, error);
        return true;
    }
    frame.state = KafkaFrame::State::waiting;
    store_frame({at, sizeof frame}, frame);
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        topic_unknown_ = is_about_topic(error);
        again(rd_kafka_err2str(error));
    }
    return false;
}

// The fate of one message.
void KafkaSender::report(std::byte* at, int error_number) {
    const auto error = static_cast<rd_kafka_resp_err_t>(error_number);
    KafkaFrame frame = load_frame({at, sizeof frame});
    Progress& block = blocks_.at(static_cast<std::size_t>(frame.block - done_));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        block.sent += frame.contents;
        block.messages += 1;
        block.message_octets += frame.octets;
    } else if (is_for_good(error)) {
        block.refused += frame.contents;
        complain(fmt::format("the brokers will never have a message of {} octets: {}", frame.octets,
                             rd_kafka_err2str(error)));
    } else if (error == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || giving_up_) {
        block.send_error += frame.contents;
        complain(rd_kafka_err2str(error));
    } else {
        frame.state = KafkaFrame::State::waiting;
        store_frame({at, sizeof frame}, frame);
        topic_unknown_ = topic_unknown_ || is_about_topic(error);
        again(rd_kafka_err2str(error));
        return;
    }
    frame.state = KafkaFrame::State::done;
    store_frame({at, sizeof frame}, frame);
    --block.pending;
}

// From the oldest message on that has no fate and is not with the library.
void KafkaSender::again(const std::string& why) {
    block_ = 0;
    offset_ = 0;
    next_give_ = Clock::now() + give_again;
    complain(why);
}

void KafkaSender::settle_done() {
    while (!blocks_.empty() && blocks_.front().pending == 0) {
        const Progress& block = blocks_.front();
        Account::Sender& sender = account_.sender;
        sender.sent += block.sent;
        sender.refused += block.refused;
        sender.send_error += block.send_error;
        sender.messages += block.messages;
        sender.message_octets += block.message_octets;
        sender.lag.add(block.sent.records, queue_.readable().front().ended, observed_now());
        sender.up = block.messages != 0 ? 1 : sender.up;
        account_.publish_sender();  // before the block is gone: drain() looks at the queue
        blocks_.pop_front();
        queue_.consume(1);
        ++done_;
        offset_ = block_ == 0 ? 0 : offset_;
        block_ -= block_ == 0 ? 0 : 1;
    }
}

// The time is over: what the library has not brought to an end is lost.
void KafkaSender::give_up() {
    giving_up_ = true;
    close();
    for (std::size_t index = 0; index < blocks_.size(); ++index) {
        const std::span<std::byte> octets = queue_.writable_octets_of(index);
        for (std::size_t at = 0; at < octets.size();) {
            const KafkaFrame frame = load_frame(octets.subspan(at));
            if (frame.state != KafkaFrame::State::done) {
                report(octets.data() + at, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT);
            }
            at += frame.stride();
        }
    }
    settle_done();
}

void KafkaSender::complain(const std::string& why) {
    account_.sender.up = 0;
    account_.publish_sender();
    log_([&] {
        return fmt::format("output {}: brokers {}, topic {}: {}", setup_.output,
                           setup_.config.brokers, setup_.config.topic, why);
    });
}

}  // namespace tapmeter::exporting
