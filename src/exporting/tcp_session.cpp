#include "src/exporting/tcp_session.h"

#include <fmt/format.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "src/exporting/own_socket.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;

// An answer must come within this time of what was sent, else the connection is dead (tcp(7)).
constexpr milliseconds silence_max{30'000};

std::string text_of(int error) {
    return std::generic_category().message(error);
}

// The socket of a path as octets; empty: it is longer than such a path may be.
std::string unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return {};
    }
    std::ranges::copy(path, std::begin(address.sun_path));
    // NOLINTNEXTLINE(*-reinterpret-cast): kept as octets, given back as such
    return {reinterpret_cast<const char*>(&address), sizeof address};
}

std::string numeric(const sockaddr* address, socklen_t length) {
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    if (::getnameinfo(address, length, host.data(), host.size(), port.data(), port.size(),
                      NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return "?";
    }
    return address->sa_family == AF_INET6 ? fmt::format("[{}]:{}", host.data(), port.data())
                                          : fmt::format("{}:{}", host.data(), port.data());
}

void set_options(int socket) noexcept {
    const int on = 1;
    const auto milliseconds_max = static_cast<unsigned>(silence_max.count());
    // Each only improves what works without it, so a refusal is no error.
    ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds_max, sizeof milliseconds_max);
}

// The first address of the name; empty, and why, where there is none.
std::string resolve(const std::string& host, std::uint16_t port, std::string& why) {
    if (host.starts_with('/')) {
        why = host + ": longer than the path of a socket may be";
        return unix_address(host);
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int failure = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (failure != 0) {
        why = fmt::format("'{}' cannot be resolved: {}", host, ::gai_strerror(failure));
        return {};
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
    // NOLINTNEXTLINE(*-reinterpret-cast): kept as octets, given back as such
    return {reinterpret_cast<const char*>(found->ai_addr), found->ai_addrlen};
}

}  // namespace

std::string too_much_said() {
    return fmt::format(
        "the other side sent more than {} octets; a collector sends none, so see what listens "
        "there",
        foreign_octets_max);
}

TcpSession::TcpSession(std::string host, std::uint16_t port, std::string scheme)
    : host_(std::move(host)),
      port_(port),
      scheme_(std::move(scheme)),
      peer_(host_.starts_with('/') ? fmt::format("{}://{}", scheme_, host_)
                                   : fmt::format("{}://{}:{}", scheme_, host_, port_)) {}

StreamSession::Progress TcpSession::fail(std::string why) {
    failure_ = std::move(why);
    return Progress::failed;
}

StreamSession::Progress TcpSession::open(milliseconds patience) {
    if (phase_ == Phase::closed) {
        if (const Progress begun = connect(); begun != Progress::done) {
            return begun;
        }
    }
    const bool reads = phase_ == Phase::greeting && wants_to_read();
    pollfd socket{socket_.number(), static_cast<short>(reads ? POLLIN : POLLOUT), 0};
    if (::poll(&socket, 1, static_cast<int>(patience.count())) <= 0) {
        return Progress::pending;
    }
    if (phase_ == Phase::connecting) {
        int error = 0;
        socklen_t length = sizeof error;
        ::getsockopt(socket_.number(), SOL_SOCKET, SO_ERROR, &error, &length);
        if (error != 0) {
            return fail(fmt::format("no connection: {}", text_of(error)));
        }
        phase_ = Phase::greeting;
    }
    const Progress greeted = greet();
    if (greeted == Progress::done) {
        phase_ = Phase::open;
    }
    return greeted;
}

StreamSession::Progress TcpSession::connect() {
    std::string address = resolve(host_, port_, failure_);
    if (address.empty()) {
        address = last_address_;
    }
    if (address.empty()) {
        return Progress::failed;
    }
    sockaddr_storage storage{};
    std::memcpy(&storage, address.data(), address.size());
    // NOLINTNEXTLINE(*-reinterpret-cast): the way of socket(7)
    const auto* const to = reinterpret_cast<const sockaddr*>(&storage);
    const auto length = static_cast<socklen_t>(address.size());
    socket_ = Descriptor(::socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_.is_open()) {
        return fail(fmt::format("no TCP socket: {}", text_of(errno)));
    }
    set_options(socket_.number());
    note_own_before(own_, socket_.number(), to, length);
    if (::connect(socket_.number(), to, length) != 0 && errno != EINPROGRESS) {
        return fail(fmt::format("no connection: {}", text_of(errno)));
    }
    last_address_ = address;
    if (to->sa_family != AF_UNIX) {
        peer_ = fmt::format("{}://{}", scheme_, numeric(to, length));
    }
    phase_ = Phase::connecting;
    message_written_ = 0;
    written_ = 0;
    foreign_octets_ = 0;
    return Progress::done;
}

StreamSession::Progress TcpSession::write(Bytes message) {
    while (message_written_ < message.size()) {
        const std::ptrdiff_t octets = transmit(message.subspan(message_written_));
        if (octets == not_now) {
            return Progress::pending;
        }
        if (octets == broken) {
            return Progress::failed;
        }
        message_written_ += static_cast<std::size_t>(octets);
    }
    message_written_ = 0;
    return Progress::done;
}

StreamSession::Progress TcpSession::wait(bool for_room, milliseconds patience) {
    pollfd socket{socket_.number(), static_cast<short>(POLLIN | (for_room ? POLLOUT : 0)), 0};
    if (::poll(&socket, 1, static_cast<int>(patience.count())) <= 0) {
        return Progress::pending;
    }
    return (socket.revents & ~POLLOUT) != 0 ? look() : Progress::pending;
}

// What comes from a Collector is counted and thrown away; the end of the stream is the end.
StreamSession::Progress TcpSession::look() {
    std::array<std::byte, 512> room{};
    for (;;) {
        const std::ptrdiff_t octets = receive(room);
        if (octets == not_now) {
            return Progress::pending;
        }
        if (octets == broken) {
            return Progress::failed;
        }
        if (octets == 0) {
            return fail("the collector closed the connection");
        }
        foreign_octets_ += static_cast<std::size_t>(octets);
        if (foreign_octets_ > foreign_octets_max) {
            return fail(too_much_said());
        }
    }
}

std::uint64_t TcpSession::delivered() const {
    int waiting = 0;
    if (!socket_.is_open() || ::ioctl(socket_.number(), SIOCOUTQ, &waiting) != 0) {
        return 0;
    }
    return written_ - std::min<std::uint64_t>(written_, static_cast<std::uint64_t>(waiting));
}

void TcpSession::close() {
    if (phase_ == Phase::open) {
        part();
        ::shutdown(socket_.number(), SHUT_WR);
    }
    socket_ = Descriptor();
    phase_ = Phase::closed;
}

std::ptrdiff_t TcpSession::transmit(Bytes octets) {
    return send_octets(octets);
}

std::ptrdiff_t TcpSession::receive(std::span<std::byte> room) {
    return receive_octets(room);
}

std::ptrdiff_t TcpSession::send_octets(Bytes octets) {
    const auto sent = ::send(socket_.number(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
        written_ += static_cast<std::uint64_t>(sent);
        return sent;
    }
    if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ENOMEM) {
        return not_now;
    }
    failure_ = fmt::format("the connection broke: {}", text_of(errno));
    return broken;
}

std::ptrdiff_t TcpSession::receive_octets(std::span<std::byte> room) {
    const auto got = ::recv(socket_.number(), room.data(), room.size(), MSG_DONTWAIT);
    if (got >= 0) {
        return got;
    }
    if (errno == EAGAIN || errno == EINTR) {
        return not_now;
    }
    failure_ = fmt::format("the connection broke: {}", text_of(errno));
    return broken;
}

}  // namespace tapmeter::exporting
