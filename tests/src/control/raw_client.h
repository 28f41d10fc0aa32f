#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include "src/control/sockets.h"

namespace tapmeter::control {

// A client that says exactly the octets it is told to, valid or not.
class RawClient {
public:
    explicit RawClient(std::uint16_t port)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connect_to(address);
    }
    explicit RawClient(const std::filesystem::path& path)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(&address.sun_path, path.c_str(), path.native().size());
        connect_to(address);
    }

    bool connected() const { return connected_; }

    // False: the server has closed the connection.
    bool send(std::string_view octets) {
        while (!octets.empty()) {
            const ssize_t sent = ::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return false;
            }
            octets.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void send_nothing_more() { ::shutdown(socket_.get(), SHUT_WR); }

    // What the server says until it closes the connection, or for ten seconds.
    std::string read_all() {
        std::string text;
        std::array<char, 4096> piece{};
        ssize_t octets = 0;
        while ((octets = ::recv(socket_.get(), piece.data(), piece.size(), 0)) > 0) {
            text.append(piece.data(), static_cast<std::size_t>(octets));
        }
        return text;
    }

    int fd() const { return socket_.get(); }

private:
    template <class Address>
    void connect_to(const Address& address) {
        const timeval patience{.tv_sec = 10, .tv_usec = 0};
        setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        sockaddr_storage storage{};
        std::memcpy(&storage, &address, sizeof(address));
        const auto* const any =
            reinterpret_cast<const sockaddr*>(&storage);  // NOLINT(*-reinterpret-cast)
        connected_ = ::connect(socket_.get(), any, sizeof(address)) == 0;
    }

    Descriptor socket_;
    bool connected_ = false;
};

// "HTTP/1.1 404 Not Found" -> 404; 0 where there is no status line.
inline int status_of(std::string_view answer) {
    constexpr std::string_view version = "HTTP/1.1 ";
    if (!answer.starts_with(version) || answer.size() < version.size() + 3) {
        return 0;
    }
    return std::stoi(std::string(answer.substr(version.size(), 3)));
}

inline std::string body_of(const std::string& answer) {
    const std::size_t end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "" : answer.substr(end + 4);
}

// A folder of its own for each test, removed with it.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = testing::TempDir() + "tapmeter-XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace tapmeter::control
