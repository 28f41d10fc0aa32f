// What a sender over a stream keeps on disk, books and says of losses (stream_sender.h).
#include "src/exporting/stream_sender.h"

#include <fmt/format.h>

namespace tapmeter::exporting {

// What a session of a later run must begin with before it can have this run's messages.
void StreamSender::announce_to_spool() {
    std::vector<SpoolFile::Announced> announcements;
    for (const Stream& stream : streams_) {
        for (const PreparedMessage& message : stream.announcement.opening()) {
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
    account_.sender.recovered = setup_.spool->waiting();
    account_.sender.spooled = account_.sender.recovered;
    take_stock();
}

// Moves what waits in the queue to the disk, as far as that takes it.
void StreamSender::spool_queue() {
    while (!queue_.readable().empty()) {
        const std::size_t count = spool_some();
        take_stock();
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

// Books what the spool had to give up.
void StreamSender::take_stock() {
    const Spool::Lost lost = setup_.spool->take_lost();
    account_.sender.spool_full += lost.full;
    account_.sender.spool_error += lost.damaged;
    account_.sender.spooled -= lost.full;
    account_.sender.spooled -= lost.damaged;
    account_.sender.spool_damage += lost.places;
    account_.publish_sender();
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

}  // namespace tapmeter::exporting
