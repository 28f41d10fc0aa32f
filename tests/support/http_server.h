#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace tapmeter::test_support {

// What an HTTP client asked.
struct HttpRequest {
    std::string target;  // path and query, as on the wire
    std::string head;    // request line and fields
    std::string body;
};
struct HttpReply {
    int status = 200;  // 0: hang up without an answer
    std::string body;
};

// An HTTP server on loopback that does what a test tells it, one connection at a time: for the
// answers that a real server gives on bad days only.
class HttpServer {
public:
    using Handler = std::function<HttpReply(const HttpRequest&)>;

    explicit HttpServer(Handler handler)
        : handler_(std::move(handler)), socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* const at = reinterpret_cast<sockaddr*>(&address);
        if (socket_ < 0 || ::bind(socket_, at, length) != 0 || ::listen(socket_, 4) != 0 ||
            ::getsockname(socket_, at, &length) != 0) {
            std::abort();  // a test without its socket tests nothing
        }
        port_ = ntohs(address.sin_port);
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer() {
        thread_.request_stop();
        thread_.join();
        ::close(socket_);
    }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

    std::vector<HttpRequest> seen() const {
        const std::lock_guard guard(lock_);
        return seen_;
    }

private:
    static bool wait(int socket) {
        pollfd waiting{socket, POLLIN, 0};
        return ::poll(&waiting, 1, 10) > 0;
    }

    void run(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            if (!wait(socket_)) {
                continue;
            }
            const int connection = ::accept(socket_, nullptr, nullptr);
            while (!stop.stop_requested() && serve(connection, stop)) {
            }
            ::close(connection);
        }
    }

    // False: the connection is to be closed.
    bool serve(int connection, const std::stop_token& stop) {
        std::string text;
        std::size_t wanted = 1;
        while (text.size() < wanted) {
            if (stop.stop_requested()) {
                return false;
            }
            std::array<char, 65'536> part{};
            const auto got =
                wait(connection) ? ::recv(connection, part.data(), part.size(), 0) : -1;
            if (got == 0) {
                return false;
            }
            text.append(part.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
            wanted = octets_of_request(text);
        }
        const std::size_t head = text.find("\r\n\r\n") + 4;
        const std::size_t from = text.find(' ') + 1;
        const HttpRequest request{text.substr(from, text.find(' ', from) - from),
                                  text.substr(0, head), text.substr(head)};
        {
            const std::lock_guard guard(lock_);
            seen_.push_back(request);
        }
        const HttpReply reply = handler_(request);
        const std::string answer = "HTTP/1.1 " + std::to_string(reply.status) +
                                   " X\r\nContent-Length: " + std::to_string(reply.body.size()) +
                                   "\r\n\r\n" + reply.body;
        return reply.status != 0 && ::send(connection, answer.data(), answer.size(),
                                           MSG_NOSIGNAL) == static_cast<ssize_t>(answer.size());
    }

    static std::size_t octets_of_request(const std::string& text) {
        const std::size_t end = text.find("\r\n\r\n");
        if (end == std::string::npos) {
            return text.size() + 1;
        }
        const std::size_t length = text.find("Content-Length: ");
        return end + 4 + (length < end ? std::strtoul(text.data() + length + 16, nullptr, 10) : 0);
    }

    Handler handler_;
    int socket_;
    std::uint16_t port_ = 0;
    mutable std::mutex lock_;
    std::vector<HttpRequest> seen_;
    std::jthread thread_;  // last: ends before what it uses
};

// "%20" as " ".
inline std::string percent_decoded(const std::string& text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%' && at + 2 < text.size()) {
            plain += static_cast<char>(std::strtoul(text.substr(at + 1, 2).c_str(), nullptr, 16));
            at += 2;
        } else {
            plain += text[at];
        }
    }
    return plain;
}

}  // namespace tapmeter::test_support
