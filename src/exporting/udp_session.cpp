#include "src/exporting/udp_session.h"

#include <fmt/format.h>
#include <linux/errqueue.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "src/exporting/own_socket.h"

namespace tapmeter::exporting {
namespace {

// What the kernel may hold for a burst; more than net.core.wmem_max only where we may force it.
constexpr int send_buffer_octets = 4 << 20;
constexpr std::size_t udp_ipv4_header_octets = 28;
// Datagrams without an octet that one look passes over.
constexpr int empty_datagrams_max = 16;
constexpr std::size_t udp_ipv6_header_octets = 48;

void set_option(int socket, int level, int name, int value) noexcept {
    // Each option only improves what works without it, so a refusal is no error.
    ::setsockopt(socket, level, name, &value, sizeof value);
}

void set_options(int socket, bool ipv6) noexcept {
    set_option(socket, SOL_SOCKET, SO_SNDBUF, send_buffer_octets);
    set_option(socket, SOL_SOCKET, SO_SNDBUFFORCE, send_buffer_octets);
    // Without it, what our own queueing discipline drops (ENOBUFS) would count as sent.
    set_option(socket, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_RECVERR : IP_RECVERR, 1);
}

std::string text_of(const addrinfo& address) {
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    if (::getnameinfo(address.ai_addr, address.ai_addrlen, host.data(), host.size(), port.data(),
                      port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return "?";
    }
    return address.ai_family == AF_INET6 ? fmt::format("[{}]:{}", host.data(), port.data())
                                         : fmt::format("{}:{}", host.data(), port.data());
}

// errno of one entry of the socket's error queue (ip(7), IP_RECVERR); 0: it was no ICMP.
int icmp_error(msghdr& message) noexcept {
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
        const bool tells_error =
            (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
            (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR);
        if (tells_error && part->cmsg_len >= CMSG_LEN(sizeof(sock_extended_err))) {
            sock_extended_err error{};
            std::memcpy(&error, CMSG_DATA(part), sizeof error);
            return error.ee_origin == SO_EE_ORIGIN_LOCAL ? 0 : static_cast<int>(error.ee_errno);
        }
    }
    return 0;
}

// Empties the error queue, which else keeps poll() awake. Returns the last errno that ICMP told.
int drain_error_queue(int socket) noexcept {
    int last = 0;
    for (;;) {
        std::array<char, 1> octet{};  // the returned message itself is of no interest
        alignas(cmsghdr) std::array<char, 256> control{};
        iovec data{octet.data(), octet.size()};
        msghdr message{};
        message.msg_iov = &data;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        if (::recvmsg(socket, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
            return last;
        }
        if (const int error = icmp_error(message); error != 0) {
            last = error;
        }
    }
}

}  // namespace

bool is_unreachable(int error) noexcept {
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
           error == EHOSTDOWN || error == ENETDOWN;
}

Result<UdpSession> UdpSession::open(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int failure = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (failure != 0) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("the collector's host '{}' cannot be resolved: {}; name an IPv4 "
                                  "or IPv6 address or a name that this machine can resolve",
                                  host, ::gai_strerror(failure)));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);

    int error = 0;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        Descriptor socket(
            ::socket(one->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
        if (socket.is_open()) {
            set_options(socket.number(), one->ai_family == AF_INET6);
        }
        if (socket.is_open() && ::connect(socket.number(), one->ai_addr, one->ai_addrlen) == 0) {
            return UdpSession(std::move(socket), one->ai_family == AF_INET6, text_of(*one));
        }
        error = errno;
    }
    return failed(Error::Kind::io,
                  fmt::format("no UDP socket to the collector '{}' port {}: {}; see to a route to "
                              "it (ip route get)",
                              host, port, std::generic_category().message(error)));
}

UdpSession::UdpSession(Descriptor socket, bool ipv6, std::string peer) noexcept
    : socket_(std::move(socket)), ipv6_(ipv6), peer_(std::move(peer)) {
    constexpr std::uint8_t udp = 17;
    note_own(own_, socket_.number(), udp);
}

UdpSession::Sent UdpSession::send(std::span<const Bytes> messages) noexcept {
    std::array<iovec, messages_per_send_max> octets{};
    std::array<mmsghdr, messages_per_send_max> headers{};
    const std::size_t count = std::min(messages.size(), messages_per_send_max);
    for (std::size_t i = 0; i < count; ++i) {
        // The kernel only reads them, but iovec serves both ways and knows no const.
        // NOLINTNEXTLINE(*-const-cast)
        octets[i] = {const_cast<std::byte*>(messages[i].data()), messages[i].size()};
        headers[i].msg_hdr.msg_iov = &octets[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    std::size_t done = 0;
    while (done < count) {
        const int accepted =
            ::sendmmsg(socket_.number(), &headers[done], static_cast<unsigned>(count - done), 0);
        if (accepted < 0 && errno == EINTR) {
            continue;
        }
        if (accepted < 0) {
            return {done, errno};
        }
        done += static_cast<std::size_t>(accepted);
        // Of fewer than asked for, sendmmsg() forgets what stopped it. What is the socket's own
        // matter stops the next call too; news by ICMP is left in the error queue only.
        if (const int error = done < count ? drain_error_queue(socket_.number()) : 0; error != 0) {
            return {done, error};
        }
    }
    return {done, 0};
}

UdpSession::Received UdpSession::receive(std::span<std::byte> room) noexcept {
    for (int empty = 0; empty < empty_datagrams_max; ++empty) {
        const auto got = ::recv(socket_.number(), room.data(), room.size(), MSG_DONTWAIT);
        if (got > 0) {
            return {static_cast<std::size_t>(got), 0};
        }
        if (got < 0 && errno != EINTR) {
            const int error = errno;
            const int told = drain_error_queue(socket_.number());
            return {0, error == EAGAIN ? told : error};
        }
    }
    return {};
}

bool UdpSession::wait(bool for_room, std::chrono::milliseconds patience) const noexcept {
    pollfd socket{socket_.number(), static_cast<short>(POLLIN | (for_room ? POLLOUT : 0)), 0};
    return ::poll(&socket, 1, static_cast<int>(patience.count())) > 0;
}

void UdpSession::wait_writable(std::chrono::milliseconds patience) noexcept {
    pollfd socket{socket_.number(), POLLOUT, 0};
    ::poll(&socket, 1, static_cast<int>(patience.count()));
    if ((socket.revents & POLLERR) != 0) {
        drain_error_queue(socket_.number());  // else poll() would return at once for ever
    }
}

int UdpSession::wait_error(std::chrono::milliseconds patience) noexcept {
    pollfd socket{socket_.number(), 0, 0};
    ::poll(&socket, 1, static_cast<int>(patience.count()));
    return take_error();
}

int UdpSession::take_error() noexcept {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(socket_.number(), SOL_SOCKET, SO_ERROR, &error, &length);
    const int told = drain_error_queue(socket_.number());
    return error != 0 ? error : told;
}

std::size_t UdpSession::path_octets() const noexcept {
    int mtu = 0;
    socklen_t length = sizeof mtu;
    const int got = ipv6_ ? ::getsockopt(socket_.number(), IPPROTO_IPV6, IPV6_MTU, &mtu, &length)
                          : ::getsockopt(socket_.number(), IPPROTO_IP, IP_MTU, &mtu, &length);
    const std::size_t headers = ipv6_ ? udp_ipv6_header_octets : udp_ipv4_header_octets;
    if (got != 0 || mtu < 0 || static_cast<std::size_t>(mtu) <= headers) {
        return 0;
    }
    return static_cast<std::size_t>(mtu) - headers;
}

std::string UdpSession::address() const {
    const std::size_t colon = peer_.rfind(':');
    return ipv6_ ? peer_.substr(1, colon - 2) : peer_.substr(0, colon);
}

void UdpSession::allow_fragments(bool allowed) noexcept {
    if (ipv6_) {
        set_option(socket_.number(), IPPROTO_IPV6, IPV6_MTU_DISCOVER,
                   allowed ? IPV6_PMTUDISC_WANT : IPV6_PMTUDISC_DO);
    } else {
        set_option(socket_.number(), IPPROTO_IP, IP_MTU_DISCOVER,
                   allowed ? IP_PMTUDISC_WANT : IP_PMTUDISC_DO);
    }
}

}  // namespace tapmeter::exporting
