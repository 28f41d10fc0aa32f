#include "src/exporting/dtls_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "src/exporting/tcp_session.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;

// Between two looks at what came, while there is more to write.
constexpr milliseconds look_interval{100};
constexpr std::chrono::seconds path_interval{1};
constexpr milliseconds starved_patience{1};
// Records that one look throws away, so that a flood of them does not keep it.
constexpr int records_per_look = 64;

// Of a record's header (RFC 6347 section 4.1): type, version, epoch, number, length.
constexpr std::size_t record_header_octets = 13;
constexpr std::byte alert_type{21};
constexpr std::byte handshake_type{22};
constexpr std::byte hello_verify_request{3};

// A record in clear as nobody sends it within a session that both sides know.
bool disowns(Bytes datagram) noexcept {
    constexpr std::size_t epoch_at = 3;
    if (datagram.size() <= record_header_octets || datagram[epoch_at] != std::byte{0} ||
        datagram[epoch_at + 1] != std::byte{0}) {
        return false;
    }
    return datagram[0] == alert_type || (datagram[0] == handshake_type &&
                                         datagram[record_header_octets] == hello_verify_request);
}

}  // namespace

Result<std::unique_ptr<StreamSession>> DtlsSession::make(const Setup& setup) {
    std::unique_ptr<DtlsSession> session(new DtlsSession(setup));
    TlsFiles named = setup.files;
    named.name = named.name.empty() ? setup.host : named.name;
    auto channel = TlsChannel::make(TlsChannel::Over::datagrams, named, *session);
    if (!channel) {
        return tl::unexpected<Error>(std::move(channel.error()));
    }
    session->channel_ = std::move(*channel);
    return std::unique_ptr<StreamSession>(std::move(session));
}

DtlsSession::DtlsSession(const Setup& setup)
    : setup_(setup), peer_(fmt::format("dtls://{}:{}", setup.host, setup.port)) {}

StreamSession::Progress DtlsSession::fail(std::string why) {
    failure_ = std::move(why);
    return Progress::failed;
}

// What broke the session: the socket, or what came through it.
StreamSession::Progress DtlsSession::broke() {
    return socket_error_ == 0
               ? fail(channel_->failure())
               : fail(fmt::format("{}; see that it runs and listens on this UDP port",
                                  std::generic_category().message(socket_error_)));
}

StreamSession::Progress DtlsSession::open(milliseconds patience) {
    if (!socket_) {
        if (const Progress connected = connect(); connected != Progress::done) {
            return connected;
        }
    }
    if (channel_->is_begun()) {
        const milliseconds due = std::max(channel_->retransmits_in(), milliseconds{1});
        socket_->wait(false, std::min(patience, due));
    }
    const std::ptrdiff_t shaken = channel_->shake_hands();
    if (shaken == not_now) {
        return Progress::pending;
    }
    if (shaken == broken) {
        return broke();
    }
    open_ = true;
    opened_at_ = setup_.now();
    learn_path();
    return Progress::done;
}

StreamSession::Progress DtlsSession::connect() {
    auto opened = UdpSession::open(setup_.host, setup_.port);
    if (!opened && !last_address_.empty()) {
        opened = UdpSession::open(last_address_, setup_.port);
    }
    if (!opened) {
        return fail(std::move(opened.error().message));
    }
    socket_.emplace(std::move(*opened));
    last_address_ = socket_->address();
    peer_ = "dtls://" + socket_->peer();
    socket_error_ = 0;
    disowned_ = false;
    starved_ = false;
    written_ = 0;
    foreign_octets_ = 0;
    learn_path();
    return Progress::done;
}

StreamSession::Progress DtlsSession::write(Bytes message) {
    if (setup_.now() - looked_at_ >= look_interval) {
        if (const Progress seen = look(); seen != Progress::pending) {
            return seen;
        }
    }
    if (message.size() > message_octets_) {
        channel_->allow(message.size());  // of a time when the path carried more
    }
    const std::ptrdiff_t sent = channel_->send(message);
    if (sent == not_now) {
        return Progress::pending;
    }
    if (sent == broken) {
        return broke();
    }
    written_ += message.size();
    return Progress::done;
}

StreamSession::Progress DtlsSession::wait(bool for_room, milliseconds patience) {
    socket_->wait(for_room && !starved_,
                  starved_ ? std::min(patience, starved_patience) : patience);
    starved_ = false;
    return look();
}

StreamSession::Progress DtlsSession::look() {
    looked_at_ = setup_.now();
    if (looked_at_ - path_at_ >= path_interval) {
        learn_path();
    }
    if (const Progress heard = hear(); heard != Progress::pending) {
        return heard;
    }
    return must_renew() ? Progress::renew : Progress::pending;
}

// What comes from a Collector is counted and thrown away. What is no record of this session GnuTLS
// throws away itself.
StreamSession::Progress DtlsSession::hear() {
    std::array<std::byte, 2'048> room{};
    for (int records = 0; records < records_per_look && has_input(); ++records) {
        const std::ptrdiff_t octets = channel_->receive(room);
        if (octets == not_now) {
            continue;
        }
        if (octets == broken) {
            return broke();
        }
        if (octets == 0) {
            return fail("the collector ended the session");
        }
        foreign_octets_ += static_cast<std::size_t>(octets);
        if (foreign_octets_ > foreign_octets_max) {
            return fail(too_much_said());
        }
    }
    return Progress::pending;
}

bool DtlsSession::must_renew() const {
    const auto age = setup_.now() - opened_at_;
    return age >= setup_.renew || disowned_;
}

// A message is never less than 512 octets (MessageBuilder); where a path carries no more than that,
// it goes in pieces.
void DtlsSession::learn_path() {
    path_at_ = setup_.now();
    const std::size_t path = socket_->path_octets();
    const std::size_t datagram = path == 0 ? message_octets_unknown_path : path;
    const std::size_t message = channel_->limit_datagrams(datagram);
    socket_->allow_fragments(setup_.may_fragment);
    if (open_) {
        message_octets_ = std::clamp(message, message_octets_unknown_path, dtls_message_octets_max);
    }
}

void DtlsSession::close() {
    if (open_) {
        channel_->part();
    }
    channel_->end();
    open_ = false;
    if (socket_) {
        before_ = std::move(socket_);
        socket_.reset();
    }
}

bool DtlsSession::has_input() {
    return socket_->wait(false, milliseconds{0});
}

std::ptrdiff_t DtlsSession::carry_out(Bytes sealed) {
    UdpSession::Sent sent = socket_->send(std::span{&sealed, 1});
    if (sent.error == EMSGSIZE) {  // the path became narrower; messages will too
        socket_->allow_fragments(true);
        sent = socket_->send(std::span{&sealed, 1});
    }
    if (sent.error == 0) {
        return static_cast<std::ptrdiff_t>(sealed.size());
    }
    starved_ = sent.error == ENOBUFS || sent.error == ENOMEM;
    return starved_ || sent.error == EAGAIN ? not_now : refused(sent.error);
}

std::ptrdiff_t DtlsSession::carry_in(std::span<std::byte> room) {
    const UdpSession::Received got = socket_->receive(room);
    if (is_unreachable(got.error)) {
        return refused(got.error);
    }
    if (got.octets == 0) {
        return not_now;
    }
    if (open_ && setup_.now() - opened_at_ >= renewal_min && disowns(room.first(got.octets))) {
        disowned_ = true;
    }
    return static_cast<std::ptrdiff_t>(got.octets);
}

std::ptrdiff_t DtlsSession::refused(int error) {
    socket_error_ = error;
    return broken;
}

}  // namespace tapmeter::exporting
