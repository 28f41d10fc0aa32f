// What a sender over a stream keeps on disk, lends, books and says of losses (stream_sender.h).
#include "src/exporting/stream_sender.h"

#include <fmt/format.h>

#include "src/exporting/settle.h"

namespace tapmeter::exporting {
namespace {

// A Collector that confirms nothing for so long is away to its group, if not to TCP.
constexpr std::chrono::milliseconds stall_time_max{5'000};
constexpr std::chrono::milliseconds lending_patience{20};

}  // namespace

// What a session of a later run must begin with before it can have this run's messages.
void StreamSender::announce_to_spool(const TemplateSet& templates) {
    std::vector<SpoolFile::Announced> announcements;
    for (Announcement::Setup stream : setup_.streams) {
        stream.templates = &templates;
        Announcement announcement(stream);
        for (const PreparedMessage& message : announcement.opening()) {
            announcements.push_back({{.kind = SpoolFrame::Kind::announcement,
                                      .octets = static_cast<std::uint32_t>(message.octets.size()),
                                      .domain = stream.domain,
                                      .sequence = 0,
                                      .sequence_step = message.data_records,
                                      .template_sets = message.template_sets,
                                      .contents = {}},
                                     message.octets});
        }
    }
    setup_.spool->announce(std::move(announcements));
    in_spool_.emplace_back(setup_.spool->own_announcements(), &templates);
}

// Moves what waits in the queue to the disk, as far as that takes it.
void StreamSender::spool_queue() {
    while (!queue_.readable().empty()) {
        const std::size_t count = spool_some();
        book_losses(*setup_.spool, account_);
        if (count == 0) {
            return;
        }
        queue_.consume(count);
    }
}

// Of what lies in one piece; how many messages. What is on its way from the queue is on its way
// from the disk now: nothing that is not stands before it.
std::size_t StreamSender::spool_some() {
    const auto blocks = queue_.readable();
    std::size_t count = 0;
    for (; count < blocks.size(); ++count) {
        const Block& block = blocks[count];
        if (block.templates != in_spool_.back().second) {
            announce_to_spool(*block.templates);
        }
        const SpoolFrame frame{.kind = SpoolFrame::Kind::message,
                               .octets = block.octets,
                               .domain = streams_[block.stream].domain,
                               .sequence = block.sequence,
                               .sequence_step = block.sequence_step,
                               .template_sets = 0,
                               .contents = block.contents};
        const bool on_its_way = next_ > 0;
        const Spool::Appended appended =
            on_its_way ? setup_.spool->append_written(frame, queue_.octets_of(count))
                       : setup_.spool->append(frame, queue_.octets_of(count));
        if (appended != Spool::Appended::done) {
            break;
        }
        next_ -= on_its_way ? 1U : 0U;
        account_.sender.spooled += block.contents;
    }
    return count;
}

// Books what the other side has.
void StreamSender::acknowledge() {
    if (marks_.empty()) {
        progress_at_ = setup_.now();
        return;
    }
    const std::uint64_t delivered = session_->delivered();
    std::size_t count = 0;
    while (count < marks_.size() && marks_[count] <= delivered) {
        ++count;
    }
    look_for_stall(count != 0);
    marks_.erase(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(count));
    // What is on disk is older than the queue, and was written first.
    const std::size_t spooled =
        setup_.spool == nullptr ? 0 : std::min(count, setup_.spool->on_their_way());
    if (spooled != 0) {
        const Spool::Confirmed confirmed = setup_.spool->confirm(spooled);
        account_.sender.sent += confirmed.contents;
        account_.sender.lag += confirmed.lag;
        account_.sender.spooled -= confirmed.contents;
        account_.sender.messages += confirmed.messages;
        account_.sender.message_octets += confirmed.octets;
        account_.publish_sender();
    }
    next_ -= count - spooled;
    settle(queue_, account_, count - spooled, true);
}

void StreamSender::look_for_stall(bool progress) {
    const auto now = setup_.now();
    if (progress) {
        progress_at_ = now;
        set_reachable(true);
    } else if (now - progress_at_ >= stall_time_max) {
        set_reachable(false);
    }
}

// What has not been confirmed goes to another Collector of the group, while this one is away. True:
// the exporter core has the queue.
bool StreamSender::lends_queue() {
    if (has_lent_queue()) {
        queue_.pause(lending_patience);
        return has_lent_queue();
    }
    if (!is_asked_for_queue()) {
        return false;
    }
    if (phase_ == Phase::open) {
        acknowledge();
    }
    if (is_reachable()) {
        give_queue_back();  // it is there again, or has confirmed something
        return false;
    }
    if (phase_ == Phase::open) {
        end_session(Progress::pending);  // one that is being opened has nothing on its way
    }
    lend_queue();
    return has_lent_queue();
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
