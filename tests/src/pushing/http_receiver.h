#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tapmeter::pushing {

// A server of HTTP/1.1 on loopback: keeps the requests, and gives to each the answer that is set.
class HttpReceiver {
public:
    struct Request {
        std::string head;
        std::string body;
        std::size_t connection = 0;  // its number
    };

    HttpReceiver() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* const at = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_, at, length) != 0 || ::listen(listener_, 4) != 0 ||
            ::getsockname(listener_, at, &length) != 0) {
            std::abort();  // a test without its socket tests nothing
        }
        port_ = ntohs(address.sin_port);
        thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
    }
    HttpReceiver(const HttpReceiver&) = delete;
    HttpReceiver& operator=(const HttpReceiver&) = delete;
    ~HttpReceiver() {
        thread_ = {};
        ::close(listener_);
    }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

    // "204 No Content"; empty: requests are read and never answered.
    void answer_with(std::string status, std::string body = {}) {
        const std::lock_guard guard(mutex_);
        status_ = std::move(status);
        body_ = std::move(body);
    }
    std::vector<Request> requests() const {
        const std::lock_guard guard(mutex_);
        return requests_;
    }
    bool wait_for(std::size_t requests) {
        std::unique_lock lock(mutex_);
        return came_.wait_for(lock, std::chrono::seconds{20},
                              [&] { return requests_.size() >= requests; });
    }

private:
    static bool is_readable(int socket) {
        pollfd waiting{socket, POLLIN, 0};
        return ::poll(&waiting, 1, 20) > 0;
    }

    void serve(const std::stop_token& stop) {
        for (std::size_t number = 1; !stop.stop_requested();) {
            if (is_readable(listener_)) {
                const int connection = ::accept(listener_, nullptr, nullptr);
                serve(connection, number++, stop);
                ::close(connection);
            }
        }
    }

    void serve(int connection, std::size_t number, const std::stop_token& stop) {
        std::string held;
        while (!stop.stop_requested()) {
            if (!is_readable(connection)) {
                continue;
            }
            std::array<char, 4'096> part{};
            const auto got = ::recv(connection, part.data(), part.size(), 0);
            if (got <= 0) {
                return;
            }
            held.append(part.data(), static_cast<std::size_t>(got));
            const std::size_t head = held.find("\r\n\r\n");
            const std::size_t length = held.find("Content-Length: ");
            if (head == std::string::npos || length == std::string::npos) {
                continue;
            }
            const std::size_t body = std::stoul(held.substr(length + 16));
            if (held.size() >= head + 4 + body) {
                take({held.substr(0, head), held.substr(head + 4, body), number}, connection);
                held.erase(0, head + 4 + body);
            }
        }
    }

    void take(Request request, int connection) {
        const std::lock_guard guard(mutex_);
        requests_.push_back(std::move(request));
        came_.notify_all();
        if (!status_.empty()) {
            const std::string text = "HTTP/1.1 " + status_ +
                                     "\r\nContent-Length: " + std::to_string(body_.size()) +
                                     "\r\n\r\n" + body_;
            [[maybe_unused]] const auto sent =
                ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
        }
    }

    int listener_;
    int port_ = 0;
    mutable std::mutex mutex_;
    std::condition_variable came_;
    std::string status_ = "204 No Content";
    std::string body_;
    std::vector<Request> requests_;
    std::jthread thread_;
};

}  // namespace tapmeter::pushing
