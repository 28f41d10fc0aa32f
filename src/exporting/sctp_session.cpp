#include "src/exporting/sctp_session.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <usrsctp.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "src/exporting/own_socket.h"
#include "src/exporting/sctp.h"
#include "src/exporting/tcp_session.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;

constexpr std::uint8_t protocol_sctp = 132;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::size_t packet_octets_max = 65'535;
constexpr std::size_t path_octets = 1'500;
constexpr std::size_t packets_at_a_time = 256;
// As often as the stack's timers want to be looked at.
constexpr milliseconds tick{10};
constexpr milliseconds farewell_patience{200};

std::string text_of(int error) {
    return std::generic_category().message(error);
}

template <class Value>
void set_option(struct socket* association, int level, int name, const Value& value) {
    // Each only improves what works without it, or is sure to be known.
    ::usrsctp_setsockopt(association, level, name, &value, sizeof value);
}

// RFC 6335 section 6: from the ports that nobody is given.
std::uint16_t random_port() noexcept {
    constexpr std::uint16_t first = 49'152;
    std::uint16_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != sizeof random) {
        random =
            static_cast<std::uint16_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    }
    return static_cast<std::uint16_t>(first | random);
}

std::string numeric(const addrinfo& address, std::uint16_t port) {
    std::array<char, NI_MAXHOST> host{};
    if (::getnameinfo(address.ai_addr, address.ai_addrlen, host.data(), host.size(), nullptr, 0,
                      NI_NUMERICHOST) != 0) {
        return "?";
    }
    return address.ai_family == AF_INET6 ? fmt::format("[{}]:{}", host.data(), port)
                                         : fmt::format("{}:{}", host.data(), port);
}

sockaddr_conn end_at(void* end, std::uint16_t port) noexcept {
    sockaddr_conn address{};
    address.sconn_family = AF_CONN;
    address.sconn_port = htons(port);
    address.sconn_addr = end;
    return address;
}

// A raw socket of IPv4 gives the header of IP too.
Bytes without_ip(Bytes packet) noexcept {
    constexpr std::size_t octets_per_word = 4;
    if (packet.empty()) {
        return {};
    }
    const std::size_t header = (load_be8(packet.first<1>()) & 0x0fU) * octets_per_word;
    return packet.subspan(std::min(header, packet.size()));
}

}  // namespace

Result<std::unique_ptr<StreamSession>> open_sctp(const std::string& host, std::uint16_t port,
                                                 std::uint16_t udp_port) {
    return std::make_unique<SctpSession>(host, port, udp_port);
}

SctpSession::SctpSession(std::string host, std::uint16_t port, std::uint16_t udp_port)
    : host_(std::move(host)),
      port_(port),
      udp_port_(udp_port),
      room_(packet_octets_max),
      peer_(fmt::format("sctp://{}:{}", host_, port_)) {}

SctpSession::~SctpSession() {
    close();
}

StreamSession::Progress SctpSession::fail(std::string why) {
    failure_ = std::move(why);
    return Progress::failed;
}

StreamSession::Progress SctpSession::open(milliseconds patience) {
    if (phase_ == Phase::closed) {
        if (const Progress begun = begin(); begun != Progress::done) {
            return begun;
        }
    }
    const Progress pumped = pump(patience);
    return pumped == Progress::pending && phase_ == Phase::open ? Progress::done : pumped;
}

StreamSession::Progress SctpSession::begin() {
    trace_ = {};
    on_the_way_.clear();
    settled_ = 0;
    written_ = 0;
    delivered_ = 0;
    foreign_octets_ = 0;
    local_port_ = random_port();
    if (const Progress connected = connect_carrier(); connected != Progress::done) {
        return connected;
    }
    return associate();
}

// The socket below: connected, so that it takes from nobody else and hears of ICMP.
StreamSession::Progress SctpSession::connect_carrier() {
    const bool raw = udp_port_ == 0;
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const std::string service = std::to_string(raw ? port_ : udp_port_);
    const int failure = ::getaddrinfo(host_.c_str(), service.c_str(), &hints, &found);
    if (failure != 0) {
        return fail(fmt::format("'{}' cannot be resolved: {}", host_, ::gai_strerror(failure)));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
    ipv6_ = found->ai_family == AF_INET6;
    carrier_ = Descriptor(
        raw ? ::socket(found->ai_family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol_sctp)
            : ::socket(found->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
    if (!carrier_.is_open()) {
        return fail(fmt::format("no socket for SCTP: {}{}", text_of(errno),
                                raw ? "; without CAP_NET_RAW SCTP goes inside of UDP: set "
                                      "udp_encapsulation to the collector's port, such as 9899"
                                    : ""));
    }
    if (::connect(carrier_.number(), found->ai_addr, found->ai_addrlen) != 0) {
        return fail(fmt::format("no way to the collector: {}", text_of(errno)));
    }
    peer_ = fmt::format("sctp://{}", numeric(*found, port_));
    if (raw) {
        note_own_ports(own_, carrier_.number(), protocol_sctp, {local_port_, port_});
    } else {
        note_own(own_, carrier_.number(), protocol_udp);
    }
    return Progress::done;
}

StreamSession::Progress SctpSession::associate() {
    const auto lock = SctpStack::enter();
    SctpStack::run_timers();
    association_ =
        ::usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, nullptr, nullptr, 0, nullptr);
    if (association_ == nullptr) {
        return fail(fmt::format("no SCTP socket: {}", text_of(errno)));
    }
    SctpStack::put_in(*this);
    ::usrsctp_set_non_blocking(association_, 1);
    set_options();
    SctpStack::End* const end = this;
    sockaddr_conn local = end_at(end, local_port_);
    sockaddr_conn remote = end_at(end, port_);
    phase_ = Phase::opening;
    // NOLINTBEGIN(*-reinterpret-cast): the way of socket(7)
    if (::usrsctp_bind(association_, reinterpret_cast<sockaddr*>(&local), sizeof local) != 0 ||
        (::usrsctp_connect(association_, reinterpret_cast<sockaddr*>(&remote), sizeof remote) !=
             0 &&
         errno != EINPROGRESS)) {
        return fail(fmt::format("no association: {}", text_of(errno)));
    }
    // NOLINTEND(*-reinterpret-cast)
    return Progress::done;
}

void SctpSession::set_options() {
    constexpr std::size_t udp_header_octets = 8;
    const std::size_t below = (ipv6_ ? 40U : 20U) + (udp_port_ == 0 ? 0U : udp_header_octets);
    const int on = 1;
    set_option(association_, IPPROTO_SCTP, SCTP_NODELAY, on);
    set_option(association_, IPPROTO_SCTP, SCTP_DISABLE_FRAGMENTS, on);
    set_option(association_, SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0});
    sctp_event event{};
    event.se_assoc_id = SCTP_FUTURE_ASSOC;
    event.se_on = 1;
    event.se_type = SCTP_ASSOC_CHANGE;
    set_option(association_, IPPROTO_SCTP, SCTP_EVENT, event);
    sctp_paddrparams path{};
    path.spp_flags = SPP_PMTUD_DISABLE;
    path.spp_pathmtu = static_cast<std::uint32_t>(path_octets - below);
    set_option(association_, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, path);
}

// Called under the lock of the stack. What the socket does not take now is lost, as on any path.
void SctpSession::transmit(Bytes packet) noexcept {
    trace_.sent(packet);
    if (carrier_.is_open()) {
        ::send(carrier_.number(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

StreamSession::Progress SctpSession::write(Bytes message) {
    if (const Progress drained = drain(); drained != Progress::pending) {
        return drained;
    }
    const auto lock = SctpStack::enter();
    sctp_sndinfo in_order{};
    const auto sent = ::usrsctp_sendv(association_, message.data(), message.size(), nullptr, 0,
                                      &in_order, sizeof in_order, SCTP_SENDV_SNDINFO, 0);
    if (sent < 0 && (errno == EWOULDBLOCK || errno == ENOBUFS || errno == ENOMEM)) {
        return Progress::pending;
    }
    if (sent < 0) {
        return fail(fmt::format("the association broke: {}", text_of(errno)));
    }
    on_the_way_.push_back(message.size());
    written_ += message.size();
    return Progress::done;
}

StreamSession::Progress SctpSession::wait(bool for_room, milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const std::size_t before = on_the_way_.size();
        const auto left =
            std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
        const Progress pumped = pump(std::max(left, milliseconds{0}));
        const bool has_room = for_room && on_the_way_.size() < before;
        if (pumped != Progress::pending || has_room || left <= milliseconds{0}) {
            return pumped;
        }
    }
}

// Lets the stack work for at most so long, or until something has come.
StreamSession::Progress SctpSession::pump(milliseconds patience) {
    pollfd carrier{carrier_.number(), POLLIN, 0};
    ::poll(&carrier, 1, static_cast<int>(std::min(patience, tick).count()));
    return drain();
}

StreamSession::Progress SctpSession::drain() {
    const auto lock = SctpStack::enter();
    for (std::size_t count = 0; count < packets_at_a_time; ++count) {
        const auto octets = ::recv(carrier_.number(), room_.data(), room_.size(), MSG_DONTWAIT);
        if (octets < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        if (octets < 0) {
            return fail(fmt::format("nobody takes SCTP there: {}", text_of(errno)));
        }
        Bytes packet = Bytes{room_}.first(static_cast<std::size_t>(octets));
        packet = udp_port_ == 0 && !ipv6_ ? without_ip(packet) : packet;
        if (is_ours(packet)) {
            trace_.received(packet);
            SctpStack::End* const end = this;
            ::usrsctp_conninput(end, packet.data(), packet.size(), 0);
        }
    }
    SctpStack::run_timers();
    settle();
    return hear();
}

// A raw socket hears of every association with that host, and on loopback of what we send.
bool SctpSession::is_ours(Bytes packet) const noexcept {
    constexpr std::size_t ports_octets = 4;
    return packet.size() > ports_octets && load_be16(packet.first<2>()) == port_ &&
           load_be16(packet.subspan<2, 2>()) == local_port_;
}

// What the other side says is counted and thrown away; what the stack says is heard.
StreamSession::Progress SctpSession::hear() {
    for (;;) {
        std::array<std::byte, 2'048> room{};
        int flags = 0;
        socklen_t from_octets = 0;
        socklen_t info_octets = 0;
        unsigned int info = 0;
        const auto octets = ::usrsctp_recvv(association_, room.data(), room.size(), nullptr,
                                            &from_octets, nullptr, &info_octets, &info, &flags);
        if (octets < 0 && errno == EWOULDBLOCK) {
            return Progress::pending;
        }
        if (octets <= 0) {
            phase_ = Phase::ended;
            return fail(octets == 0 ? "the collector ended the association"
                                    : fmt::format("no association: {}", text_of(errno)));
        }
        const Bytes heard = Bytes{room}.first(static_cast<std::size_t>(octets));
        if ((flags & MSG_NOTIFICATION) != 0) {
            if (const Progress changed = hear_change(heard); changed != Progress::pending) {
                return changed;
            }
            continue;
        }
        foreign_octets_ += heard.size();
        if (foreign_octets_ > foreign_octets_max) {
            return fail(too_much_said());
        }
    }
}

StreamSession::Progress SctpSession::hear_change(Bytes notification) {
    sctp_assoc_change change{};
    if (notification.size() < sizeof change) {
        return Progress::pending;
    }
    std::memcpy(&change, notification.data(), sizeof change);
    if (change.sac_type != SCTP_ASSOC_CHANGE) {
        return Progress::pending;
    }
    switch (change.sac_state) {
        case SCTP_COMM_UP:
            phase_ = phase_ == Phase::opening ? Phase::open : phase_;
            return Progress::pending;
        case SCTP_CANT_STR_ASSOC:
            phase_ = Phase::ended;
            return fail("no association: nobody listens there, or the answer was lost");
        case SCTP_COMM_LOST:
            phase_ = Phase::ended;
            return fail("the association broke: aborted, or nothing was confirmed any more");
        case SCTP_SHUTDOWN_COMP:
            phase_ = Phase::ended;
            return fail("the collector ended the association");
        default:
            return Progress::pending;
    }
}

void SctpSession::settle() {
    while (settled_ < trace_.confirmed() && !on_the_way_.empty()) {
        delivered_ += on_the_way_.front();
        on_the_way_.pop_front();
        ++settled_;
    }
}

// In order where the association stands: what is on the way is waited for, a little.
void SctpSession::close() {
    if (phase_ == Phase::closed) {
        return;
    }
    if (phase_ == Phase::open) {
        {
            const auto lock = SctpStack::enter();
            ::usrsctp_shutdown(association_, SHUT_WR);
        }
        const auto deadline = std::chrono::steady_clock::now() + farewell_patience;
        while (phase_ == Phase::open && std::chrono::steady_clock::now() < deadline) {
            if (pump(tick) != Progress::pending) {
                break;
            }
        }
    }
    const auto lock = SctpStack::enter();
    if (association_ != nullptr) {
        ::usrsctp_close(association_);  // aborts what still stands
        SctpStack::take_out(*this);
    }
    association_ = nullptr;
    carrier_ = Descriptor();
    phase_ = Phase::closed;
}

}  // namespace tapmeter::exporting
