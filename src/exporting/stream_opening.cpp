// How a sender over a stream begins and ends its sessions, and what the Collector is told in them
// besides flow records (stream_sender.h).
#include <fmt/format.h>

#include <algorithm>

#include "src/exporting/settle.h"
#include "src/exporting/stream_sender.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds opening_patience{20};
constexpr milliseconds opening_time_max{10'000};
constexpr milliseconds closed_patience{100};

}  // namespace

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
        if (setup_.spool != nullptr) {
            spool_queue();
        }
        settle(queue_, account_, queue_.readable().size(), false);
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
    set_reachable(true);
    progress_at_ = setup_.now();
    learn_limit();
    next_ = 0;
    numbering_.clear();
    edition_ = next_edition();
    if (const Spool::Next* const first = spooled(); first != nullptr && !edition_.templates) {
        for (const SpoolFile::Announced& one : setup_.spool->announcements(*first)) {
            pending_.push_back({{one.octets, one.frame.sequence_step, one.frame.template_sets, 0},
                                one.frame.domain});
        }
    } else {
        for (Stream& stream : streams_) {
            if (edition_.templates != templates_) {
                stream.announcement.change_templates(*edition_.templates);
            }
            stream.templates.forget();
            announce_templates(stream);
        }
        templates_ = edition_.templates;
        announce_statistics();
    }
    account_.sender.up = 1;
    account_.publish_sender();
}

// Within the session, before the first message that needs them: so behind the last Data Record of
// those before, in the order in which all of it arrives.
bool StreamSender::change_templates() {
    edition_ = next_edition();
    templates_ = edition_.templates;
    for (Stream& stream : streams_) {
        const PreparedMessage withdrawal = stream.announcement.withdrawal();
        stream.announcement.change_templates(*templates_);
        if (session_->may_lose()) {
            stream.templates.forget();
            announce_templates(stream);
            continue;
        }
        pending_.push_back({withdrawal, stream.domain});
        for (PreparedMessage& message : stream.announcement.about_templates()) {
            pending_.push_back({std::move(message), stream.domain});
        }
    }
    return true;
}

// Of Templates no later than that of the message that will need them, and has waited (RFC 7011
// section 8.2); nor is that earlier than what went before.
std::uint32_t StreamSender::export_time_of(const PreparedMessage& message) {
    const std::uint32_t now = export_time_now();
    const Bytes next = message.template_sets == 0 ? Bytes{} : next_message();
    return next.empty() ? now : std::min(now, setup_.protocol->read(next).export_time);
}

// At once; where they may be lost, again in time and before it is known that they are needed.
void StreamSender::announce_templates(Stream& stream) {
    for (const PreparedMessage& message : stream.announcement.opening()) {
        pending_.push_back({message, stream.domain});
    }
    stream.templates.templates_sent(setup_.now());
}

// RFC 7011 section 8.4: what was sent once may never have arrived.
void StreamSender::refresh_templates() {
    if (!session_->may_lose() || !pending_.empty()) {
        return;
    }
    for (Stream& stream : streams_) {
        if (stream.templates.due(setup_.now())) {
            announce_templates(stream);
        }
    }
}

void StreamSender::announce_statistics() {
    const MeteringReport report = latest_report();
    for (Stream& stream : streams_) {
        for (PreparedMessage& message : stream.announcement.statistics(
                 totals_of(account_), report, std::chrono::system_clock::now())) {
            pending_.push_back({std::move(message), stream.domain});
        }
    }
    statistics_at_ = setup_.now() + setup_.config.template_refresh;
}

// As the operator says, else as the path of the present session does.
void StreamSender::learn_limit() {
    const std::size_t carried = session_->message_octets_max();
    std::size_t octets = setup_.config.message_octets_max;
    if (octets == 0) {
        octets = carried == 0 ? message_octets_cap : std::min(carried, message_octets_cap);
    }
    message_octets_.store(octets, std::memory_order_relaxed);
}

void StreamSender::end_session(Progress how) {
    set_reachable(how == Progress::renew);
    if (how == Progress::failed) {
        log_([&] {
            return fmt::format(
                "output {}: {}: {}; flow records wait in the queue ({} messages at most{}), the "
                "next attempt is in {} s",
                setup_.output, session_->peer(), session_->failure(), setup_.config.queue_messages,
                setup_.spool == nullptr ? "" : ", then on disk", setup_.config.reconnect.count());
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
    if (setup_.spool != nullptr) {
        setup_.spool->rewind();
    }
    account_.sender.up = how == Progress::renew ? 1 : 0;
    account_.publish_sender();
}

}  // namespace tapmeter::exporting
