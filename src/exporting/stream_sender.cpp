#include "src/exporting/stream_sender.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/exporting/message.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds opening_patience{20};
constexpr milliseconds opening_time_max{10'000};
constexpr milliseconds closed_patience{100};
constexpr milliseconds idle_patience{100};
constexpr milliseconds confirmation_patience{5};
constexpr milliseconds room_patience{50};
// Between two looks at what was confirmed, while there is more to write.
constexpr std::size_t blocks_per_look = 64;

}  // namespace

StreamSender::StreamSender(Setup setup, std::unique_ptr<StreamSession> session, OutputQueue& queue,
                           Account& account)
    : setup_(std::move(setup)),
      session_(std::move(session)),
      queue_(queue),
      account_(account),
      log_(setup_.log),
      message_octets_(setup_.config.message_octets_max == 0 ? message_octets_cap
                                                            : setup_.config.message_octets_max) {
    for (Announcement::Setup& stream : setup_.streams) {
        stream.message_octets = message_octets_;
        const ObservationDomainId domain = stream.domain;
        streams_.push_back({Announcement(std::move(stream)), domain, 0, 0, false});
    }
    account_.sender.up = 0;
    account_.publish_sender();
}

void StreamSender::run() {
    while (!queue_.stopping() || !queue_.readable().empty()) {
        tell_queue_full();
        step();
    }
    if (phase_ == Phase::open) {
        announce_statistics();
        const auto deadline = Clock::now() + room_patience;
        while (phase_ == Phase::open && !pending_.empty() && Clock::now() < deadline) {
            write_next();
        }
    }
    session_->close();
}

void StreamSender::step() {
    if (queue_.abandoned()) {
        give_up();
    } else if (phase_ == Phase::open) {
        serve();
    } else if (phase_ == Phase::opening) {
        open_further();
    } else {
        rest();
    }
}

// What was not confirmed by now counts as not sent.
void StreamSender::give_up() {
    acknowledge();
    const std::size_t left = queue_.readable().size();
    if (block_begun_) {
        session_->close();  // a part of a message is out: nothing may follow it
        phase_ = Phase::closed;
    }
    marks_.clear();
    next_ = 0;
    settle(left, false);
}

// No session: until the time of the next attempt has come (RFC 7011 section 10.4.4).
void StreamSender::rest() {
    const auto now = setup_.now();
    const bool hurry = queue_.finishing() && !last_attempt_;
    if (now >= attempt_at_ || hurry) {
        last_attempt_ = queue_.finishing();
        attempt_at_ = now;
        phase_ = Phase::opening;
        return;
    }
    if (queue_.finishing()) {
        settle(queue_.readable().size(), false);
        return;
    }
    queue_.pause(
        std::min(closed_patience,
                 std::chrono::duration_cast<milliseconds>(attempt_at_ - now) + milliseconds{1}));
}

void StreamSender::open_further() {
    const Progress progress = session_->open(opening_patience);
    if (progress == Progress::done) {
        begin_session();
    } else if (progress != Progress::pending) {
        end_session(progress);
    } else if (setup_.now() - attempt_at_ >= opening_time_max) {
        log_([&] {
            return fmt::format("output {}: the collector at {} does not answer", setup_.output,
                               session_->peer());
        });
        end_session(Progress::pending);
    }
}

void StreamSender::begin_session() {
    phase_ = Phase::open;
    next_ = 0;
    for (std::size_t index = 0; index < streams_.size(); ++index) {
        Stream& stream = streams_[index];
        stream.next_sequence = 0;
        stream.begun = false;
        for (const PreparedMessage& message : stream.announcement.opening()) {
            pending_.push_back({message, index});
        }
    }
    announce_statistics();
    account_.sender.up = 1;
    account_.publish_sender();
}

void StreamSender::announce_statistics() {
    const MeteringReport report = latest_report();
    for (std::size_t index = 0; index < streams_.size(); ++index) {
        for (PreparedMessage& message : streams_[index].announcement.statistics(
                 totals_of(account_), report, std::chrono::system_clock::now())) {
            pending_.push_back({std::move(message), index});
        }
    }
    statistics_at_ = setup_.now() + setup_.config.template_refresh;
}

// Writes until nothing is left or there is no room.
void StreamSender::serve() {
    if (setup_.now() >= statistics_at_ && !block_begun_) {
        announce_statistics();
    }
    for (std::size_t blocks = 0; blocks < blocks_per_look; ++blocks) {
        if (!write_next()) {
            break;
        }
    }
    if (phase_ != Phase::open) {
        return;
    }
    acknowledge();
    const bool more = !pending_.empty() || next_ < queue_.readable().size();
    if (more) {
        return;
    }
    if (const Progress progress = session_->wait(false, milliseconds{0});
        progress != Progress::pending) {
        end_session(progress);
    } else if (!marks_.empty()) {
        queue_.pause(confirmation_patience);
    } else {
        queue_.wait(idle_patience);
    }
}

// False: nothing to write, no room, or the session is over.
bool StreamSender::write_next() {
    if (!pending_.empty() && !block_begun_) {
        return write_pending();
    }
    return next_ < queue_.readable().size() && write_block();
}

bool StreamSender::write_pending() {
    Pending& first = pending_.front();
    Stream& stream = streams_[first.stream];
    if (!pending_begun_) {
        store_header(std::span{first.message.octets}.first<message_header_octets>(),
                     {export_time_now(), stream.next_sequence, stream.domain},
                     first.message.octets.size());
        pending_begun_ = true;
    }
    if (!written(session_->write(first.message.octets))) {
        return false;
    }
    stream.next_sequence += first.message.data_records;
    stream.shift += first.message.data_records;
    account_.sender.messages += 1;
    account_.sender.message_octets += first.message.octets.size();
    account_.sender.templates += first.message.template_sets;
    account_.publish_sender();
    pending_.pop_front();
    pending_begun_ = false;
    return true;
}

bool StreamSender::write_block() {
    const Block& block = queue_.readable()[next_];
    Stream& stream = streams_[block.stream];
    if (!stream.begun) {
        stream.begun = true;
        stream.shift = stream.next_sequence - block.sequence;
    }
    if (!block_begun_) {
        // Options records since the last message, and this session's beginning at 0. What was
        // dropped before the queue stays a gap that the Collector sees.
        const std::uint32_t sequence = block.sequence + stream.shift;
        store_be(queue_.writable_octets_of(next_).subspan<8, 4>(), sequence);
        stream.next_sequence = sequence;
        block_begun_ = true;
    }
    if (!written(session_->write(queue_.octets_of(next_)))) {
        return false;
    }
    stream.next_sequence += block.sequence_step;
    block_begun_ = false;
    marks_.push_back(session_->written());
    ++next_;
    return true;
}

// True: the message is out.
bool StreamSender::written(Progress progress) {
    if (progress == Progress::pending) {
        acknowledge();
        progress = session_->wait(true, room_patience);
        if (progress == Progress::pending) {
            return false;
        }
    }
    if (progress != Progress::done) {
        end_session(progress);
        return false;
    }
    return true;
}

// Books what the other side has.
void StreamSender::acknowledge() {
    if (marks_.empty()) {
        return;
    }
    const std::uint64_t delivered = session_->delivered();
    std::size_t count = 0;
    while (count < marks_.size() && marks_[count] <= delivered) {
        ++count;
    }
    marks_.erase(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(count));
    next_ -= count;
    settle(count, true);
}

void StreamSender::end_session(Progress how) {
    if (how == Progress::failed) {
        log_([&] {
            return fmt::format(
                "output {}: {}: {}; flow records wait in the queue ({} messages at most), the next "
                "attempt is in {} s",
                setup_.output, session_->peer(), session_->failure(), setup_.config.queue_messages,
                setup_.config.reconnect.count());
        });
    }
    session_->close();
    phase_ = Phase::closed;
    attempt_at_ = how == Progress::renew ? setup_.now() : attempt_at_ + setup_.config.reconnect;
    pending_.clear();
    pending_begun_ = false;
    block_begun_ = false;
    marks_.clear();
    next_ = 0;
    account_.sender.up = how == Progress::renew ? 1 : 0;
    account_.publish_sender();
}

// Books the oldest `count` messages and gives their blocks back.
void StreamSender::settle(std::size_t count, bool sent) {
    if (count == 0) {
        return;
    }
    const auto blocks = queue_.readable();
    RecordTotals& fate = sent ? account_.sender.sent : account_.sender.send_error;
    for (std::size_t index = 0; index < count; ++index) {
        fate += blocks[index].contents;
        account_.sender.messages += sent ? 1U : 0U;
        account_.sender.message_octets += sent ? blocks[index].octets : 0U;
    }
    account_.publish_sender();  // before the blocks are gone: drain() looks at the queue
    queue_.consume(count);
}

void StreamSender::tell_queue_full() {
    const std::uint64_t lost = account_.read_taker().queue_full.records;
    if (lost != queue_full_told_) {
        log_([&] {
            return fmt::format(
                "output {}: {} flow records dropped since start, reason queue_full: the collector "
                "at {} takes fewer than come; raise queue if it is only slow at times",
                setup_.output, lost, session_->peer());
        });
        queue_full_told_ = lost;
    }
}

}  // namespace tapmeter::exporting
