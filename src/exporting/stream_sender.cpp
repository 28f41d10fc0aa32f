#include "src/exporting/stream_sender.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/exporting/message.h"
#include "src/exporting/settle.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds idle_patience{100};
constexpr milliseconds confirmation_patience{5};
constexpr milliseconds room_patience{50};
// Between two looks at what was confirmed, while there is more to write.
constexpr std::size_t blocks_per_look = 64;

// So many messages in the queue, and they go to the disk: half of it is left for what comes while
// that is busy, and room for one take() in any case, for an exporter that can wait.
std::size_t spool_from(std::size_t queue_messages) noexcept {
    return queue_messages >= 2 * Output::records_at_a_time ? queue_messages / 2 : 1;
}

}  // namespace

StreamSender::StreamSender(Setup setup, std::unique_ptr<StreamSession> session, OutputQueue& queue,
                           Account& account)
    : setup_(std::move(setup)),
      session_(std::move(session)),
      queue_(queue),
      account_(account),
      log_(setup_.log),
      spool_from_(spool_from(setup_.config.queue_messages)),
      pacer_(setup_.config.pace) {
    learn_limit();
    const TemplateSchedule::Refresh refresh{setup_.config.template_refresh,
                                            setup_.config.template_refresh_messages};
    for (Announcement::Setup& stream : setup_.streams) {
        // Where messages must fit a path, Templates fit every one.
        stream.message_octets =
            session_->may_lose() ? message_octets_unknown_path : message_octets();
        templates_ = stream.templates;
        streams_.push_back({Announcement(stream), stream.domain, TemplateSchedule(refresh)});
    }
    if (setup_.spool != nullptr) {
        announce_to_spool(*templates_);
        account_.sender.recovered = setup_.spool->waiting();
        account_.sender.spooled = account_.sender.recovered;
        book_losses(*setup_.spool, account_);
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
    if (lends_queue()) {
        return;
    }
    if (setup_.spool != nullptr && queue_.waiting() >= spool_from_) {
        spool_queue();
    }
    const bool spooled_open =
        phase_ == Phase::open && setup_.spool != nullptr && !setup_.spool->empty();
    catches_up_.store(spooled_open, std::memory_order_release);
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
    if (setup_.spool != nullptr) {
        spool_queue();
        setup_.spool->rewind();
    }
    const std::size_t left = queue_.readable().size();
    if (block_begun_ || setup_.spool != nullptr) {
        session_->close();  // a part of a message is out: nothing may follow it
        phase_ = Phase::closed;
        block_begun_ = false;
    }
    marks_.clear();
    next_ = 0;
    settle(queue_, account_, left, false);
}

// Writes until nothing is left or there is no room.
void StreamSender::serve() {
    const bool own = edition_.templates != nullptr;
    const bool news = std::ranges::any_of(
        streams_, [](const Stream& stream) { return stream.announcement.has_news(); });
    if (own && (news || setup_.now() >= statistics_at_) && !block_begun_) {
        announce_statistics();
    }
    learn_limit();
    refresh_templates();
    for (std::size_t blocks = 0; blocks < blocks_per_look; ++blocks) {
        if (!write_next()) {
            break;
        }
    }
    if (phase_ != Phase::open) {
        return;
    }
    acknowledge();
    if (has_more()) {
        if (must_hold_back()) {
            queue_.pause(pacer_.patience());
        }
        return;
    }
    if (needs_other_session() && marks_.empty()) {
        end_session(Progress::renew);
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

bool StreamSender::has_more() {
    return !pending_.empty() || (!next_message().empty() && !needs_other_session());
}

// Empty: none waits that was not written.
Bytes StreamSender::next_message() {
    if (const Spool::Next* const next = spooled(); next != nullptr) {
        return next->octets;
    }
    return next_ < queue_.readable().size() ? queue_.octets_of(next_) : Bytes{};
}

// The oldest message on disk, which goes before those in the queue; null: none.
Spool::Next* StreamSender::spooled() {
    return setup_.spool == nullptr ? nullptr : setup_.spool->next();
}

StreamSender::Edition StreamSender::edition_of(const Spool::Next& next) const {
    const auto ours = std::ranges::find(in_spool_, next.announcements,
                                        &std::pair<std::size_t, const TemplateSet*>::first);
    return ours != in_spool_.end() ? Edition{ours->second, 0}
                                   : Edition{nullptr, next.announcements};
}

// What the next message needs; where none waits, what this run's last had.
StreamSender::Edition StreamSender::next_edition() {
    if (const Spool::Next* const next = spooled(); next != nullptr) {
        return edition_of(*next);
    }
    const auto blocks = queue_.readable();
    return {next_ < blocks.size() ? blocks[next_].templates : templates_, 0};
}

// What comes next has Templates that cannot come within this session.
bool StreamSender::needs_other_session() {
    const Edition next = next_edition();
    return next != edition_ && (next.templates == nullptr || edition_.templates == nullptr ||
                                session_->keeps_templates());
}

// False: nothing to write, no room, or the session is over or must be.
bool StreamSender::write_next() {
    if (!pending_.empty() && !block_begun_) {
        return write_pending();
    }
    if (must_hold_back()) {
        return false;
    }
    if (next_edition() != edition_) {
        return !needs_other_session() && change_templates();
    }
    if (Spool::Next* const next = spooled(); next != nullptr) {
        return write_spooled(*next);
    }
    return next_ < queue_.readable().size() && write_block();
}

// What a limit of pace says of the next message; a message in progress goes on.
bool StreamSender::must_hold_back() {
    return pending_.empty() && !block_begun_ && !queue_.finishing() && !pacer_.open(Clock::now());
}

bool StreamSender::write_pending() {
    Pending& first = pending_.front();
    Numbering& numbering = numbering_of(first.domain);
    if (!pending_begun_) {
        store_header(std::span{first.message.octets}.first<message_header_octets>(),
                     {export_time_of(first.message), numbering.next_sequence, first.domain},
                     first.message.octets.size());
        pending_begun_ = true;
    }
    if (!written(session_->write(first.message.octets))) {
        return false;
    }
    numbering.next_sequence += first.message.data_records;
    numbering.shift += first.message.data_records;
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
    if (streams_.empty()) {
        return write_lines();
    }
    const std::uint64_t run = setup_.spool == nullptr ? 0 : setup_.spool->run();
    if (!write_numbered(
            queue_.writable_octets_of(next_),
            {streams_[block.stream].domain, block.sequence, block.sequence_step, run})) {
        return false;
    }
    pacer_.spend(block.contents.records);
    streams_[block.stream].templates.message_sent();
    ++next_;
    return true;
}

// Blocks that are no messages: nothing is numbered.
bool StreamSender::write_lines() {
    block_begun_ = true;
    if (!written(session_->write(queue_.octets_of(next_)))) {
        return false;
    }
    block_begun_ = false;
    marks_.push_back(session_->written());
    ++next_;
    return true;
}

bool StreamSender::write_spooled(Spool::Next& next) {
    if (!write_numbered(next.octets, {next.frame.domain, next.frame.sequence,
                                      next.frame.sequence_step, next.run})) {
        return false;
    }
    pacer_.spend(next.frame.contents.records);
    setup_.spool->written();
    return true;
}

// Options records since the last message move the numbers on, and each session begins at 0. What
// was dropped on the way stays a gap that the Collector sees. A message in progress gets the same
// number again, so it may have moved to the disk meanwhile.
bool StreamSender::write_numbered(std::span<std::byte> message, const Numbers& numbers) {
    Numbering& numbering = numbering_of(numbers.domain);
    if (!numbering.begun || numbering.run != numbers.run) {
        numbering.begun = true;
        numbering.run = numbers.run;
        numbering.shift = numbering.next_sequence - numbers.sequence;
    }
    const std::uint32_t sequence = numbers.sequence + numbering.shift;
    store_be(message.subspan<8, 4>(), sequence);
    block_begun_ = true;
    if (!written(session_->write(message))) {
        return false;
    }
    numbering_of(numbers.domain).next_sequence = sequence + numbers.step;
    block_begun_ = false;
    marks_.push_back(session_->written());
    return true;
}

StreamSender::Numbering& StreamSender::numbering_of(ObservationDomainId domain) {
    const auto known = std::ranges::find(numbering_, domain, &Numbering::domain);
    return known != numbering_.end() ? *known
                                     : numbering_.emplace_back(Numbering{.domain = domain});
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

}  // namespace tapmeter::exporting
