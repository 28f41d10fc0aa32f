#include "src/exporting/kafka_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pipeline/base/expects.h"
#include "src/exporting/sigpipe.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds idle_patience{200};
constexpr int poll_milliseconds = 10;
constexpr milliseconds give_again{500};
constexpr milliseconds patience_at_end{1'000};

}  // namespace

KafkaSender::KafkaSender(Setup setup, OutputQueue& queue, Account& account)
    : setup_(std::move(setup)),
      queue_(queue),
      account_(account),
      log_(setup_.log),
      backlog_(std::move(setup_.backlog), queue, account) {}

KafkaSender::~KafkaSender() = default;

void KafkaSender::run() {
    block_sigpipe();
    open();
    while (!queue_.stopping() || !queue_.readable().empty()) {
        step();
    }
    finish_in_hand();
    close();
}

void KafkaSender::open() {
    auto producer = KafkaProducer::open(setup_.config, *this);
    if (!producer) {
        complain(producer.error().message);
        next_give_ = Clock::now() + give_again;
        return;
    }
    producer_ = std::move(*producer);
}

// Whatever the library had is ours again.
void KafkaSender::close() {
    if (producer_ != nullptr) {
        producer_->purge();
        producer_.reset();
        take_back();
    }
}

// What the library ended with, and said nothing of.
void KafkaSender::take_back() {
    for (std::size_t index = 0; index < blocks_.size(); ++index) {
        const std::span<std::byte> octets = backlog_[index].octets;
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
    const bool reached = producer_ != nullptr && account_.sender.up != 0;
    backlog_.relieve_queue(reached);
    // The disk has room for what the brokers do not take at the end.
    const bool to_disk = queue_.finishing() && backlog_.has_spool() && !reached;
    if (queue_.abandoned() || to_disk) {
        give_up();
        queue_.wait(idle_patience);
        return;
    }
    take_in_hand();
    if (std::exchange(broken_, false)) {
        close();
        again("the producer begins anew");
    }
    if (producer_ == nullptr && Clock::now() >= next_give_) {
        open();
    }
    if (producer_ == nullptr) {
        queue_.pause(idle_patience);
        return;
    }
    serve();
}

void KafkaSender::serve() {
    const bool may_give = Clock::now() >= next_give_;
    if (may_give && std::exchange(topic_unknown_, false)) {
        producer_->look_for_topic();
    }
    const bool gave = may_give && give();
    const bool waits = is_waited_for();
    producer_->poll(waits && !gave ? poll_milliseconds : 0);
    settle_done();
    if (!waits && backlog_.empty()) {
        queue_.wait(idle_patience);
    }
}

bool KafkaSender::is_waited_for() const {
    return std::ranges::any_of(blocks_, [](const Progress& block) { return block.pending != 0; });
}

void KafkaSender::take_in_hand() {
    while (backlog_.take()) {
        blocks_.push_back(looked_at(backlog_[backlog_.in_hand() - 1]));
    }
    settle_done();  // what is no block, or had all its fates before it came from the disk
}

// Counts the messages of a block that came to hand, and gives them its number. What comes from the
// disk was written by a program like this one; what is not so is no block.
KafkaSender::Progress KafkaSender::looked_at(Backlog::Held& held) {
    Progress block;
    RecordTotals contents;
    bool whole = held.made_as == backlog_.made_as_now();
    for (std::size_t at = 0; whole && at < held.octets.size();) {
        const std::span<std::byte> rest = held.octets.subspan(at);
        KafkaFrame frame = rest.size() < sizeof frame ? KafkaFrame{} : load_frame(rest);
        whole = rest.size() >= sizeof frame && frame.octets <= rest.size() - sizeof frame &&
                frame.state <= KafkaFrame::State::refused;
        if (!whole) {
            break;
        }
        frame.block = done_ + blocks_.size();
        if (frame.state == KafkaFrame::State::done) {
            block.fate.sent += frame.contents;
        } else if (frame.state == KafkaFrame::State::refused) {
            block.fate.refused += frame.contents;
        } else {
            frame.state = KafkaFrame::State::waiting;
            ++block.pending;
        }
        store_frame(rest, frame);
        contents += frame.contents;
        at += frame.stride();
    }
    if (!whole || contents.records != held.contents.records) {
        block = {};
        block.fate.spool_error = held.contents;
        held.octets = {};
        complain(
            "a block on disk is none of this program and version; its flow records are "
            "counted as dropped, reason spool_error");
    }
    return block;
}

// Hands to the library what it takes now. True: some message went.
bool KafkaSender::give() {
    bool gave = false;
    while (block_ < blocks_.size()) {
        const std::span<std::byte> octets = backlog_[block_].octets;
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
    const int error = producer_->give({at + sizeof frame, frame.octets}, key, at);
    if (error == 0) {
        return true;
    }
    if (KafkaProducer::is_for_good(error)) {
        report(at, error);
        return true;
    }
    frame.state = KafkaFrame::State::waiting;
    store_frame({at, sizeof frame}, frame);
    if (!KafkaProducer::is_full(error)) {
        topic_unknown_ = KafkaProducer::is_about_topic(error);
        again(KafkaProducer::words_of(error));
    }
    return false;
}

void KafkaSender::delivered(void* mark, int error) {
    report(static_cast<std::byte*>(mark), error);
}

// The fate of one message.
void KafkaSender::report(std::byte* at, int error) {
    KafkaFrame frame = load_frame({at, sizeof frame});
    Progress& block = blocks_.at(static_cast<std::size_t>(frame.block - done_));
    const bool too_late = error == KafkaProducer::too_late && !backlog_.has_spool();
    frame.state = KafkaFrame::State::done;
    if (error == 0) {
        block.fate.sent += frame.contents;
        block.fate.messages += 1;
        block.fate.message_octets += frame.octets;
    } else if (KafkaProducer::is_for_good(error)) {
        frame.state = KafkaFrame::State::refused;
        block.fate.refused += frame.contents;
        complain(fmt::format("the brokers will never have a message of {} octets: {}", frame.octets,
                             KafkaProducer::words_of(error)));
    } else if (too_late || giving_up_) {
        block.fate.send_error += frame.contents;
        complain(KafkaProducer::words_of(error));
    } else {
        frame.state = KafkaFrame::State::waiting;
        store_frame({at, sizeof frame}, frame);
        topic_unknown_ = topic_unknown_ || KafkaProducer::is_about_topic(error);
        again(KafkaProducer::words_of(error));
        return;
    }
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
        account_.sender.up = block.fate.messages != 0 ? 1 : account_.sender.up;
        backlog_.give_back(block.fate);
        blocks_.pop_front();
        ++done_;
        offset_ = block_ == 0 ? 0 : offset_;
        block_ -= block_ == 0 ? 0 : 1;
    }
}

// The time is over: what the library has not brought to an end goes to the disk, or is lost.
void KafkaSender::give_up() {
    giving_up_ = !backlog_.has_spool();
    close();
    giving_up_ = true;
    settle_done();
    backlog_.leave_on_disk();
    const std::size_t left = blocks_.size() - backlog_.in_hand();
    blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(left));
    done_ += left;
    block_ = 0;
    offset_ = 0;
    take_in_hand();
    for (std::size_t index = 0; index < blocks_.size(); ++index) {
        const std::span<std::byte> octets = backlog_[index].octets;
        for (std::size_t at = 0; at < octets.size();) {
            const KafkaFrame frame = load_frame(octets.subspan(at));
            if (frame.state == KafkaFrame::State::waiting) {
                report(octets.data() + at, KafkaProducer::too_late);
            }
            at += frame.stride();
        }
    }
    settle_done();
}

// At the end, when nothing waits in the queue: what is on its way from the disk arrives, or comes
// twice in the next run.
void KafkaSender::finish_in_hand() {
    const auto deadline = Clock::now() + patience_at_end;
    while (producer_ != nullptr && is_waited_for() && Clock::now() < deadline &&
           account_.sender.up != 0) {
        producer_->poll(poll_milliseconds);
        settle_done();
    }
}

void KafkaSender::told(std::string_view words) {
    log_([&] { return std::string(words); });
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
