#include "src/exporting/datagram_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "src/exporting/settle.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds idle_patience{200};
constexpr milliseconds retry_interval{1'000};
constexpr milliseconds refusal_patience{10};
constexpr milliseconds writable_patience{20};
constexpr std::uint32_t attempts_max = 10;  // at one block, a millisecond apart

}  // namespace

DatagramSender::DatagramSender(Setup setup, UdpSession session, OutputQueue& queue,
                               Account& account)
    : setup_(std::move(setup)),
      session_(std::move(session)),
      queue_(queue),
      account_(account),
      log_(setup_.log) {
    session_.allow_fragments(true);  // a line is as long as it is
}

void DatagramSender::run() {
    while (!queue_.stopping() || !queue_.readable().empty()) {
        step();
    }
}

void DatagramSender::step() {
    const std::size_t waiting = queue_.readable().size();
    if (waiting == 0) {
        queue_.wait(idle_patience);
        if (const int error = session_.wait_error(milliseconds{0});
            reachable_ && is_unreachable(error)) {
            unreachable(error);  // so the next block is not spent on finding out
        }
    } else if (queue_.abandoned()) {
        settle(waiting, false);
    } else if (reachable_ || try_oldest()) {
        send_waiting();
    } else if (queue_.finishing()) {
        settle(queue_.readable().size(), false);
    } else {
        queue_.pause(retry_interval);
    }
}

void DatagramSender::send_waiting() {
    const std::size_t count = std::min(queue_.readable().size(), messages_per_send_max);
    std::array<Bytes, messages_per_send_max> datagrams;
    for (std::size_t index = 0; index < count; ++index) {
        datagrams[index] = queue_.octets_of(index);
    }
    const UdpSession::Sent sent = session_.send(std::span{datagrams}.first(count));
    settle(sent.messages, true);
    if (sent.error != 0) {
        on_error(sent.error);
    }
}

// False: it was refused, and waits on.
bool DatagramSender::try_oldest() {
    session_.wait_error(milliseconds{0});  // old news
    const Bytes oldest = queue_.octets_of(0);
    int error = session_.send(std::span{&oldest, 1}).error;
    if (error == 0) {
        error = session_.wait_error(refusal_patience);
        if (!is_unreachable(error)) {
            reachable_ = true;
            settle(1, true);
            return true;
        }
    }
    if (is_unreachable(error)) {
        unreachable(error);
    } else {
        on_error(error);
    }
    return false;
}

void DatagramSender::on_error(int error) {
    if (error == EAGAIN) {
        session_.wait_writable(writable_patience);
        return;
    }
    if (is_unreachable(error)) {
        unreachable(error);
        return;
    }
    if ((error == ENOBUFS || error == ENOMEM) && ++attempts_ < attempts_max) {
        queue_.pause(milliseconds{1});
        return;
    }
    log_([&] {
        return fmt::format(
            "output {}: the socket to {} refuses a datagram: {}; its flow record is "
            "counted as dropped, reason send_error",
            setup_.output, session_.peer(), std::generic_category().message(error));
    });
    settle(1, false);
}

void DatagramSender::unreachable(int error) {
    reachable_ = false;
    account_.sender.up = 0;
    account_.publish_sender();
    log_([&] {
        return fmt::format(
            "output {}: the receiver at {} cannot be reached: {}; flow records wait in the queue "
            "and it is tried every second; see that it runs and listens on this UDP port",
            setup_.output, session_.peer(), std::generic_category().message(error));
    });
}

void DatagramSender::settle(std::size_t count, bool sent) {
    if (count != 0) {
        attempts_ = 0;
        account_.sender.up = sent ? 1 : 0;
        exporting::settle(queue_, account_, count, sent);
    }
}

}  // namespace tapmeter::exporting
