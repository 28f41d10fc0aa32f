#include "src/control/server.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <thread>
#include <vector>

#include "src/control/guard.h"
#include "src/control/http_door.h"
#include "src/control/routes.h"
#include "src/control/sockets.h"

namespace tapmeter::control {

using Clock = std::chrono::steady_clock;

// The doors and the thread that turns them.
class Server::Parts {
public:
    Parts(Instance& instance, Timeouts timeouts)
        : routes_(instance), timeouts_(timeouts), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;
    ~Parts() { stop(); }

    Result<void> open_tcp(const Config::Http& http);
    Result<void> open_unix(const Config::Control& control);
    Result<void> start();
    std::uint16_t port() const noexcept { return port_; }

private:
    Result<void> open_door(Descriptor listening, bool trusted, std::vector<std::string> hosts);
    void serve();
    bool turn_once(std::chrono::milliseconds wait_max);  // true: asked to stop
    void finish();
    void stop();

    Routes routes_;
    Timeouts timeouts_;
    std::uint16_t port_ = 0;
    std::optional<UnixListener> socket_file_;
    std::vector<std::unique_ptr<HttpDoor>> doors_;
    Descriptor wake_;
    std::thread thread_;
};

Result<void> Server::Parts::open_door(Descriptor listening, bool trusted,
                                      std::vector<std::string> hosts) {
    auto door = HttpDoor::open({.listening = std::move(listening),
                                .trusted = trusted,
                                .hosts = std::move(hosts),
                                .routes = routes_,
                                .timeouts = timeouts_});
    if (!door) {
        return tl::unexpected<Error>(door.error());
    }
    doors_.push_back(std::move(*door));
    return {};
}

Result<void> Server::Parts::open_tcp(const Config::Http& http) {
    if (!http.enabled) {
        return {};
    }
    auto listener = listen_on_loopback(http);
    if (!listener) {
        return tl::unexpected<Error>(listener.error());
    }
    port_ = listener->port;
    return open_door(std::move(listener->socket), false, host_names(http.address, port_));
}

Result<void> Server::Parts::open_unix(const Config::Control& control) {
    if (control.socket.empty()) {
        return {};
    }
    auto listener = UnixListener::open(control);
    if (!listener) {
        return tl::unexpected<Error>(listener.error());
    }
    socket_file_.emplace(std::move(*listener));
    return open_door(socket_file_->take_socket(), true, {});
}

Result<void> Server::Parts::start() {
    if (!wake_.open()) {
        return failed(Error::Kind::io,
                      "control server: no file descriptor left; raise LimitNOFILE");
    }
    // Signals are the main thread's: the new thread inherits a mask that blocks them all.
    sigset_t all{};
    sigset_t before{};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    Result<void> started;
    try {
        thread_ = std::thread([this] { serve(); });
        pthread_setname_np(thread_.native_handle(), "tap-control");
    } catch (const std::system_error& error) {
        started = failed(Error::Kind::io, std::string("control server: no thread: ") +
                                              error.what() + "; raise LimitNPROC");
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
}

bool Server::Parts::turn_once(std::chrono::milliseconds wait_max) {
    std::vector<pollfd> watched{{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
    for (const auto& door : doors_) {
        watched.push_back({.fd = door->poll_fd(), .events = POLLIN, .revents = 0});
        wait_max = std::min(wait_max, door->patience());
    }
    ::poll(watched.data(), watched.size(), static_cast<int>(wait_max.count()));
    for (const auto& door : doors_) {
        door->turn(Clock::now());
    }
    return watched.front().revents != 0;
}

void Server::Parts::serve() {
    constexpr std::chrono::milliseconds wait_max = std::chrono::minutes(1);
    while (!turn_once(wait_max)) {
    }
    finish();
}

// Answers what has begun; a client that asked for the stop should hear that it was heard.
void Server::Parts::finish() {
    eventfd_t seen = 0;
    eventfd_read(wake_.get(), &seen);
    constexpr std::chrono::seconds patience{1};
    constexpr std::chrono::milliseconds wait_max{10};
    for (const auto& door : doors_) {
        door->stop_accepting();
    }
    if (socket_file_) {
        socket_file_->remove();
    }
    const Clock::time_point deadline = Clock::now() + patience;
    const auto answering = [](const auto& door) { return door->answering(); };
    while (Clock::now() < deadline && std::ranges::any_of(doors_, answering)) {
        turn_once(wait_max);
    }
}

void Server::Parts::stop() {
    if (thread_.joinable()) {
        eventfd_write(wake_.get(), 1);
        thread_.join();
    }
    doors_.clear();
}

Result<std::unique_ptr<Server>> Server::start(const Config::Http& http,
                                              const Config::Control& control, Instance& instance,
                                              Timeouts timeouts) {
    auto parts = std::make_unique<Parts>(instance, timeouts);
    const Result<void> started =
        parts->open_tcp(http).and_then([&] { return parts->open_unix(control); }).and_then([&] {
            return parts->start();
        });
    if (!started) {
        return tl::unexpected<Error>(started.error());
    }
    return std::make_unique<Server>(std::move(parts));
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() = default;

std::uint16_t Server::port() const noexcept {
    return parts_->port();
}

}  // namespace tapmeter::control
