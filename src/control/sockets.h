#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <utility>

#include "pipeline/base/result.h"
#include "src/config/config.h"

namespace tapmeter::control {

// Owns a file descriptor.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    int get() const noexcept { return fd_; }
    bool open() const noexcept { return fd_ >= 0; }
    int release() noexcept { return std::exchange(fd_, -1); }

private:
    int fd_ = -1;
};

// A listening TCP socket on loopback.
struct TcpListener {
    Descriptor socket;
    std::uint16_t port = 0;  // as bound, where the configuration said 0
};

// errors  invalid_config  the address is not a loopback address
//         io              the port is in use, with what to do about it
Result<TcpListener> listen_on_loopback(const Config::Http& http);

// A listening unix socket and the file it shows itself by; the file goes with the object, unless
// somebody has put another one in its place meanwhile.
class UnixListener {
public:
    // Creates the directory where it is missing, replaces the socket of a dead process, and gives
    // the file mode 0660 and the configured group.
    // errors  invalid_config  path too long for a unix socket, group unknown
    //         io              not permitted, or a living process listens there: its pid is named
    static Result<UnixListener> open(const Config::Control& control);

    UnixListener(UnixListener&& other) noexcept;
    UnixListener& operator=(UnixListener&& other) = delete;
    UnixListener(const UnixListener&) = delete;
    UnixListener& operator=(const UnixListener&) = delete;
    ~UnixListener() { remove(); }

    int get() const noexcept { return socket_.get(); }
    Descriptor take_socket() noexcept { return std::move(socket_); }
    void remove() noexcept;  // the file; safe to call twice

private:
    UnixListener(Descriptor socket, std::filesystem::path path);

    Descriptor socket_;
    std::filesystem::path path_;  // empty: nothing to remove
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace tapmeter::control
