#include "src/exporting/message_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "src/exporting/settle.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds idle_patience{100};     // how late a Template refresh may be
constexpr milliseconds retry_interval{1'000};  // between two tries at a Collector that is away
constexpr milliseconds refusal_patience{10};   // for the ICMP answer to a try
constexpr milliseconds writable_patience{20};
constexpr std::uint32_t attempts_max = 10;  // at one message, a millisecond apart

bool is_short_of_buffers(int error) noexcept {
    return error == ENOBUFS || error == ENOMEM;
}

std::string text_of(int error) {
    return std::generic_category().message(error);
}

}  // namespace

MessageSender::MessageSender(Setup setup, UdpSession session, OutputQueue& queue, Account& account)
    : setup_(std::move(setup)),
      session_(std::move(session)),
      queue_(queue),
      account_(account),
      log_(setup_.log),
      pacer_(setup_.config.pace) {
    const auto count = static_cast<Clock::rep>(setup_.streams.size());
    for (Clock::rep index = 0; index < count; ++index) {
        const Clock::duration interval = setup_.config.template_refresh;
        Announcement::Setup& stream = setup_.streams[static_cast<std::size_t>(index)];
        // Templates fit every path, so that a message limit never keeps them back.
        stream.message_octets = message_octets_unknown_path;
        const ObservationDomainId domain = stream.domain;
        templates_ = stream.templates;
        streams_.push_back({TemplateSchedule({interval, setup_.config.template_refresh_messages,
                                              interval / count * index}),
                            Announcement(std::move(stream)),
                            {},
                            0,
                            0,
                            false,
                            {}});
        streams_.back().next.domain = domain;
    }
    session_.allow_fragments(setup_.config.message_octets_max != 0);
    ask_path();
}

void MessageSender::run() {
    for (;;) {
        once_a_second();
        const std::size_t waiting = queue_.readable().size();
        if (waiting == 0) {
            if (queue_.stopping()) {
                return;
            }
            if (is_reachable() || setup_.config.group.empty()) {
                idle();
            } else {
                look_whether_back();
            }
        } else if (queue_.abandoned()) {
            settle(waiting, false);
        } else if (!queue_.finishing() && !pacer_.open(Clock::now())) {
            queue_.pause(pacer_.patience());
        } else if (reachable_ || probe()) {
            send_waiting();
        } else if (queue_.finishing()) {
            settle(queue_.readable().size(), false);
        } else {
            queue_.pause(retry_interval);
        }
    }
}

void MessageSender::idle() {
    if (fragments_) {
        fragments_ = false;  // what is built from now on fits the path
        session_.allow_fragments(false);
    }
    for (Stream& stream : streams_) {
        if (reachable_ && stream.in_use && stream.templates.due(setup_.now())) {
            send_templates(stream);
        } else if (reachable_ && stream.in_use &&
                   (setup_.now() >= stream.statistics_at || stream.announcement.has_news())) {
            send_statistics(stream);
        }
    }
    queue_.wait(idle_patience);
}

// Sends the messages up to the next one that wants Templates before it.
void MessageSender::send_waiting() {
    const auto blocks = queue_.readable();
    change_templates(blocks[0].templates);
    std::array<Bytes, messages_per_send_max> messages;
    std::size_t count = 0;
    std::size_t most = std::min(blocks.size(), messages.size());
    most = setup_.config.pace == 0 || queue_.finishing() ? most : std::size_t{1};
    for (; count < most; ++count) {
        Stream& stream = streams_[blocks[count].stream];
        look_for_restart(stream, count);
        if (stream.templates.due(setup_.now()) || blocks[count].templates != templates_) {
            break;
        }
        stream.templates.message_sent();
        patch_sequence(count);
        messages[count] = queue_.octets_of(count);
    }
    if (count == 0) {
        Stream& stream = streams_[blocks[0].stream];
        stream.next = header_of(0);
        send_templates(stream);
        return;
    }
    const UdpSession::Sent sent = session_.send(std::span{messages}.first(count));
    settle(sent.messages, true);
    if (sent.error != 0) {
        on_error(sent.error);
    }
}

// Those of the next messages are others: they are new to the Collector, under other ids. Nothing is
// withdrawn by UDP (RFC 7011 section 8.4), nor in NetFlow.
void MessageSender::change_templates(const TemplateSet* templates) {
    if (templates == templates_) {
        return;
    }
    templates_ = templates;
    for (Stream& stream : streams_) {
        stream.announcement.change_templates(*templates_);
        stream.templates.forget();
    }
}

// What stopped the oldest message. Returns to run(), which tries again whatever still waits.
void MessageSender::on_error(int error) {
    if (error == EAGAIN) {
        session_.wait_writable(writable_patience);
        return;
    }
    if (is_unreachable(error)) {
        unreachable(error);
        return;
    }
    ++attempts_;
    if (is_short_of_buffers(error) && attempts_ < attempts_max) {
        queue_.pause(milliseconds{1});
        return;
    }
    if (error == EMSGSIZE && attempts_ == 1) {
        // The path became narrower. New messages will be shorter; the old ones may go in pieces.
        fragments_ = setup_.config.message_octets_max == 0;
        session_.allow_fragments(true);
        ask_path();
        return;
    }
    log_([&] {
        return fmt::format(
            "output {}: the socket to {} refuses a message: {}; its flow records "
            "are counted as dropped, reason send_error",
            setup_.output, session_.peer(), text_of(error));
    });
    settle(1, false);
}

void MessageSender::unreachable(int error) {
    reachable_ = false;
    set_reachable(false);
    account_.sender.up = 0;
    account_.publish_sender();
    log_([&] {
        return fmt::format(
            "output {}: the collector at {} cannot be reached: {}; flow records wait "
            "in the queue ({} messages at most) and it is tried every second; see "
            "that it runs and listens on this UDP port",
            setup_.output, session_.peer(), text_of(error), setup_.config.queue_messages);
    });
}

// Books the oldest `count` messages and gives their blocks back.
void MessageSender::settle(std::size_t count, bool sent) {
    if (count == 0) {
        return;
    }
    const auto blocks = queue_.readable();
    for (std::size_t index = 0; index < count; ++index) {
        Stream& stream = streams_[blocks[index].stream];
        stream.in_use = true;
        stream.next = header_of(index);
        stream.next.sequence += blocks[index].sequence_step;
        pacer_.spend(blocks[index].contents.records);
    }
    attempts_ = 0;
    account_.sender.up = sent ? 1 : 0;
    exporting::settle(queue_, account_, count, sent);
}

// Tries the Collector with Templates, which cost no flow records, and waits for a refusal.
bool MessageSender::probe() {
    change_templates(queue_.readable()[0].templates);
    Stream& first = streams_[queue_.readable()[0].stream];
    first.next = header_of(0);
    if (!probe_with(first)) {
        return false;
    }
    const bool has_templates = !first.announcement.opening().empty();
    if (!has_templates && send_patiently(queue_.octets_of(0)) != 0) {
        return false;  // NetFlow version 5 has none: its oldest message is the try
    }
    if (const int error = session_.wait_error(refusal_patience); is_unreachable(error)) {
        unreachable(error);
        return false;
    }
    reached();
    settle(has_templates ? 0 : 1, true);
    return true;
}

// False: not sent.
bool MessageSender::probe_with(Stream& first) {
    session_.wait_error(milliseconds{0});  // old news
    for (Stream& stream : streams_) {
        stream.templates.forget();
    }
    return send_templates(first);
}

// Others of its group have the records meanwhile.
void MessageSender::look_whether_back() {
    const auto now = Clock::now();
    if (now - last_probe_ >= retry_interval) {
        last_probe_ = now;
        if (probe_with(streams_.front())) {
            if (const int error = session_.wait_error(refusal_patience); is_unreachable(error)) {
                unreachable(error);
            } else {
                reached();
                return;
            }
        }
    }
    queue_.wait(idle_patience);
}

void MessageSender::reached() {
    reachable_ = true;
    set_reachable(true);
    account_.sender.up = 1;
    account_.publish_sender();
}

// False: not sent, and the Collector counts as unreachable.
bool MessageSender::send_templates(Stream& stream) {
    const Clock::time_point now = setup_.now();
    for (const PreparedMessage& prepared : stream.announcement.opening()) {
        if (!send_prepared(stream, prepared)) {
            return false;
        }
    }
    stream.templates.templates_sent(now);
    return send_statistics(stream);
}

bool MessageSender::send_statistics(Stream& stream) {
    stream.statistics_at = setup_.now() + setup_.config.template_refresh;
    const auto messages = stream.announcement.statistics(totals_of(account_), latest_report(),
                                                         std::chrono::system_clock::now());
    return std::ranges::all_of(
        messages, [&](const PreparedMessage& prepared) { return send_prepared(stream, prepared); });
}

bool MessageSender::send_prepared(Stream& stream, const PreparedMessage& prepared) {
    std::array<std::byte, message_octets_unknown_path> message{};
    const std::size_t octets = prepared.octets.size();
    const std::uint32_t now = export_time_now();
    // A recording's time may lie far behind; then the Templates are of its time too.
    if (!setup_.protocol->tells_uptime) {
        stream.next.export_time = export_time_of(prepared);
    } else if (is_told_by_uptime(now, stream.next.uptime_origin)) {
        stream.next.export_time = now;
    }
    stream.next.records = prepared.templates;
    std::ranges::copy(prepared.octets, message.begin());
    setup_.protocol->store(std::span{message}.first(octets), stream.next);
    if (const int error = send_patiently(std::span{message}.first(octets)); error != 0) {
        unreachable(error);
        return false;
    }
    stream.next.sequence += prepared.data_records;
    stream.shift += prepared.data_records;
    account_.sender.messages += 1;
    account_.sender.message_octets += octets;
    account_.sender.templates += prepared.template_sets;
    account_.publish_sender();
    return true;
}

// Of Templates no later than that of the oldest message that waits for them (RFC 7011 section 8.2).
std::uint32_t MessageSender::export_time_of(const PreparedMessage& prepared) noexcept {
    const std::uint32_t now = export_time_now();
    const bool waited_for = prepared.template_sets != 0 && !queue_.readable().empty();
    return waited_for ? std::min(now, header_of(0).export_time) : now;
}

// A waiting message was numbered before the options records that went out meanwhile.
void MessageSender::patch_sequence(std::size_t index) noexcept {
    const Block& block = queue_.readable()[index];
    store_be(queue_.writable_octets_of(index).subspan(setup_.protocol->sequence_at).first<4>(),
             block.sequence + streams_[block.stream].shift);
}

// Times of NetFlow that count from somewhere else are those of a device that was started anew,
// whose Templates a Collector forgets (RFC 3954 section 9).
void MessageSender::look_for_restart(Stream& stream, std::size_t index) noexcept {
    if (!setup_.protocol->tells_uptime) {
        return;
    }
    const std::int64_t origin = header_of(index).uptime_origin;
    if (origin != stream.uptime_origin) {
        stream.uptime_origin = origin;
        stream.templates.forget();
    }
}

// Returns errno, 0: accepted.
int MessageSender::send_patiently(Bytes message) {
    for (std::uint32_t attempt = 1;; ++attempt) {
        const int error = session_.send(std::span{&message, 1}).error;
        if (error == 0 || is_unreachable(error) || attempt == attempts_max || queue_.abandoned()) {
            return error;
        }
        session_.wait_writable(error == EAGAIN ? writable_patience : milliseconds{1});
    }
}

void MessageSender::once_a_second() {
    if (const auto now = Clock::now(); now - last_look_ >= std::chrono::seconds{1}) {
        last_look_ = now;
        ask_path();
        if (const int error = session_.wait_error(milliseconds{0});
            reachable_ && is_unreachable(error)) {
            unreachable(error);  // so the next message is not spent on finding out
        }
        const std::uint64_t lost = account_.read_taker().queue_full.records;
        if (lost != queue_full_told_) {
            log_([&] {
                return fmt::format(
                    "output {}: {} flow records dropped since start, reason "
                    "queue_full: the collector at {} takes fewer than come; raise "
                    "queue_messages if it is only slow at times",
                    setup_.output, lost, session_.peer());
            });
            queue_full_told_ = lost;
        }
    }
}

void MessageSender::ask_path() {
    std::size_t octets = setup_.config.message_octets_max;
    if (octets == 0) {
        const std::size_t path = session_.path_octets();
        const std::size_t cap = setup_.protocol->message_octets_auto;
        octets = path == 0 ? message_octets_unknown_path
                           : std::clamp(path, message_octets_unknown_path, cap);
    }
    message_octets_.store(octets, std::memory_order_relaxed);
}

// The header of a waiting message, as it will leave.
MessageHeader MessageSender::header_of(std::size_t index) noexcept {
    patch_sequence(index);
    return setup_.protocol->read(queue_.octets_of(index));
}

}  // namespace tapmeter::exporting
