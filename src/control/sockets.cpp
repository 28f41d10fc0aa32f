#include "src/control/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace tapmeter::control {

namespace {

constexpr int backlog = 128;
constexpr mode_t socket_mode = 0660;

std::string reason(int error) {
    return std::system_category().message(error);
}

tl::unexpected<Error> io_failed(std::string message) {
    return failed(Error::Kind::io, std::move(message));
}

// An address of any family, with the length that the kernel wants.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t octets = 0;

    // Every sockaddr_* begins with its family: the one place where the kernel's cast is made.
    const sockaddr* get() const noexcept {
        return reinterpret_cast<const sockaddr*>(&storage);  // NOLINT(*-reinterpret-cast)
    }
    template <class Address>
    explicit SocketAddress(const Address& address) noexcept : octets(sizeof(Address)) {
        std::memcpy(&storage, &address, sizeof(Address));
    }
};

Result<SocketAddress> loopback_address(const Config::Http& http) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(http.port);
    if (inet_pton(AF_INET, http.address.c_str(), &v4.sin_addr) == 1) {
        constexpr std::uint32_t loopback_net = 127;
        if (ntohl(v4.sin_addr.s_addr) >> 24U == loopback_net) {
            return SocketAddress(v4);
        }
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(http.port);
    if (inet_pton(AF_INET6, http.address.c_str(), &v6.sin6_addr) == 1 &&
        IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) {
        return SocketAddress(v6);
    }
    return failed(Error::Kind::invalid_config,
                  "http.address = \"" + http.address +
                      "\": must be a loopback address such as 127.0.0.1 or ::1; to read from "
                      "elsewhere, put a proxy with TLS and authentication in front");
}

std::uint16_t bound_port(int socket) {
    sockaddr_in6 address{};  // large enough; the port lies at the same place for IPv4
    socklen_t octets = sizeof(address);
    getsockname(socket, reinterpret_cast<sockaddr*>(&address),
                &octets);  // NOLINT(*-reinterpret-cast)
    return ntohs(address.sin6_port);
}

Result<sockaddr_un> unix_address(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& text = path.native();
    if (text.size() >= sizeof(address.sun_path)) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("control.socket = \"{}\": {} octets; a unix socket's path has at "
                                  "most {}; choose a shorter one",
                                  text, text.size(), sizeof(address.sun_path) - 1));
    }
    std::memcpy(&address.sun_path, text.data(), text.size());
    return address;
}

// Two instances that start at once take turns at looking, removing and binding.
Result<Descriptor> lock_directory(const std::filesystem::path& path) {
    const std::filesystem::path directory =
        path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
        return io_failed(
            fmt::format("control.socket = \"{}\": cannot create {}: {}; create it for "
                        "this user, or choose another path",
                        path.native(), directory.native(), error.message()));
    }
    Descriptor lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock.open() || flock(lock.get(), LOCK_EX) != 0) {
        return io_failed(fmt::format("control.socket = \"{}\": cannot open {}: {}", path.native(),
                                     directory.native(), reason(errno)));
    }
    return lock;
}

pid_t peer_of(int socket) {
    ucred peer{};
    socklen_t octets = sizeof(peer);
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &octets) == 0 ? peer.pid : 0;
}

// Removes the socket that a dead process left behind; refuses to touch anything else.
Result<void> clear_place(const std::filesystem::path& path, const SocketAddress& address) {
    struct stat found {};
    if (lstat(path.c_str(), &found) != 0) {
        return {};  // nothing there; bind() finds what else may be wrong
    }
    if (!S_ISSOCK(found.st_mode)) {
        return io_failed("control.socket = \"" + path.native() +
                         "\": there is a file that is no socket; move it away, or choose another "
                         "path");
    }
    const Descriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (connect(probe.get(), address.get(), address.octets) == 0 || errno == EAGAIN) {
        return io_failed(
            fmt::format("control.socket = \"{}\": process {} listens there; stop it "
                        "(tapmeter ctl stop), or give this instance another path",
                        path.native(), peer_of(probe.get())));
    }
    if (errno != ECONNREFUSED || unlink(path.c_str()) != 0) {
        return io_failed(fmt::format("control.socket = \"{}\": cannot replace the old socket: {}",
                                     path.native(), reason(errno)));
    }
    return {};
}

// Found by name once, at start.
Result<gid_t> group_id(const std::string& name) {
    std::array<char, 16'384> text{};
    group entry{};
    group* found = nullptr;
    if (getgrnam_r(name.c_str(), &entry, text.data(), text.size(), &found) != 0 ||
        found == nullptr) {
        return failed(Error::Kind::invalid_config, "control.group = \"" + name +
                                                       "\": there is no such group; groupadd " +
                                                       name + ", or leave the key out");
    }
    return found->gr_gid;
}

// The file begins with no more than the umask leaves of 0660, so it is never open too wide.
Result<void> set_permissions(const std::filesystem::path& path, const std::string& group) {
    if (!group.empty()) {
        const Result<gid_t> id = group_id(group);
        if (!id) {
            return tl::unexpected<Error>(id.error());
        }
        if (chown(path.c_str(), static_cast<uid_t>(-1), *id) != 0) {
            return io_failed(
                fmt::format("control.socket = \"{}\": cannot give it to group {}: {}; "
                            "start as root or as a member of the group",
                            path.native(), group, reason(errno)));
        }
    }
    if (chmod(path.c_str(), socket_mode) != 0) {
        return io_failed(fmt::format("control.socket = \"{}\": cannot set mode 0660: {}",
                                     path.native(), reason(errno)));
    }
    return {};
}

}  // namespace

Result<TcpListener> listen_on_loopback(const Config::Http& http) {
    const Result<SocketAddress> address = loopback_address(http);
    if (!address) {
        return tl::unexpected<Error>(address.error());
    }
    Descriptor listening(
        socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;  // a restart need not wait for connections in TIME_WAIT
    setsockopt(listening.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listening.get(), address->get(), address->octets) != 0 ||
        listen(listening.get(), backlog) != 0) {
        const int error = errno;
        const std::string cure =
            error == EADDRINUSE
                ? fmt::format(
                      "; ss -ltnp 'sport = :{}' shows who has it; set http.port to a free "
                      "one, or http.enabled = false",
                      http.port)
                : "; set http.address and http.port to what this machine has";
        return io_failed(fmt::format("http: cannot listen on {} port {}: {}{}", http.address,
                                     http.port, reason(error), cure));
    }
    const std::uint16_t port = bound_port(listening.get());
    return TcpListener{.socket = std::move(listening), .port = port};
}

UnixListener::UnixListener(Descriptor socket, std::filesystem::path path)
    : socket_(std::move(socket)), path_(std::move(path)) {
    struct stat made {};
    if (lstat(path_.c_str(), &made) == 0) {
        device_ = made.st_dev;
        inode_ = made.st_ino;
    }
}

UnixListener::UnixListener(UnixListener&& other) noexcept
    : socket_(std::move(other.socket_)),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

Result<UnixListener> UnixListener::open(const Config::Control& control) {
    const Result<sockaddr_un> name = unix_address(control.socket);
    if (!name) {
        return tl::unexpected<Error>(name.error());
    }
    const Result<Descriptor> lock = lock_directory(control.socket);
    if (!lock) {
        return tl::unexpected<Error>(lock.error());
    }
    const SocketAddress address(*name);
    if (const Result<void> cleared = clear_place(control.socket, address); !cleared) {
        return tl::unexpected<Error>(cleared.error());
    }
    Descriptor listening(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    // On Linux the file takes the mode of the socket, less the umask.
    fchmod(listening.get(), socket_mode);
    if (bind(listening.get(), address.get(), address.octets) != 0) {
        return io_failed(
            fmt::format("control.socket = \"{}\": cannot create it: {}; choose a "
                        "directory that this user may write to",
                        control.socket.native(), reason(errno)));
    }
    UnixListener listener(std::move(listening), control.socket);
    if (const Result<void> set = set_permissions(control.socket, control.group); !set) {
        return tl::unexpected<Error>(set.error());
    }
    if (listen(listener.get(), backlog) != 0) {
        return io_failed(fmt::format("control.socket = \"{}\": cannot listen: {}",
                                     control.socket.native(), reason(errno)));
    }
    return listener;
}

void UnixListener::remove() noexcept {
    struct stat found {};
    if (!path_.empty() && lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ &&
        found.st_ino == inode_) {
        unlink(path_.c_str());
    }
    path_.clear();
}

}  // namespace tapmeter::control
