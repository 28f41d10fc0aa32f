#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <vector>

#include "tests/support/collector.h"

namespace tapmeter::test_support {

// A collector's end of TCP on loopback, one connection at a time.
class TcpListener {
public:
    explicit TcpListener(std::uint16_t port = 0) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        const int on = 1;
        ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        socklen_t length = sizeof address;
        auto* const at = reinterpret_cast<sockaddr*>(&address);
        if (socket_ < 0 || ::bind(socket_, at, length) != 0 || ::listen(socket_, 4) != 0 ||
            ::getsockname(socket_, at, &length) != 0) {
            std::abort();  // a test without its socket tests nothing
        }
        port_ = ntohs(address.sin_port);
    }
    TcpListener(const TcpListener&) = delete;
    TcpListener& operator=(const TcpListener&) = delete;
    ~TcpListener() {
        hang_up();
        ::close(socket_);
    }

    std::uint16_t port() const { return port_; }

    // The next connection takes the place of the present one.
    bool accept(std::chrono::milliseconds patience = std::chrono::seconds{10}) {
        pollfd waiting{socket_, POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) {
            return false;
        }
        hang_up();
        connection_ = ::accept(socket_, nullptr, nullptr);
        held_.clear();
        return connection_ >= 0;
    }

    // Reads messages into `collector` until it has so many flow records.
    bool collect(Collector& collector, std::size_t records,
                 std::chrono::milliseconds patience = std::chrono::seconds{20}) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (collector.records().size() < records &&
               std::chrono::steady_clock::now() < deadline && read_some(collector)) {
        }
        return collector.records().size() >= records;
    }

    // False: the other side has closed.
    bool read_some(Collector& collector) {
        pollfd waiting{connection_, POLLIN, 0};
        if (::poll(&waiting, 1, 50) <= 0) {
            return true;
        }
        std::vector<std::byte> part(65'536);
        const auto got = ::recv(connection_, part.data(), part.size(), 0);
        if (got <= 0) {
            return false;
        }
        held_.insert(held_.end(), part.begin(), part.begin() + got);
        const std::size_t left = collector.read_stream(held_);
        held_.erase(held_.begin(), held_.end() - static_cast<std::ptrdiff_t>(left));
        return true;
    }

    void send(std::size_t octets) {
        const std::vector<std::byte> foreign(octets);
        [[maybe_unused]] const auto sent =
            ::send(connection_, foreign.data(), foreign.size(), MSG_NOSIGNAL);
    }

    // As a process that is killed: what it has not read is answered with a reset.
    void hang_up() {
        if (connection_ >= 0) {
            ::close(connection_);
            connection_ = -1;
        }
    }

private:
    int socket_;
    int connection_ = -1;
    std::uint16_t port_ = 0;
    std::vector<std::byte> held_;  // of a message that is not whole yet
};

}  // namespace tapmeter::test_support
