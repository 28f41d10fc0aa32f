#include "xdp/socket.h"

#include <linux/capability.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "pipeline/base/packet.h"
#include "xdp/system_error.h"

namespace tapmeter::xdp {

namespace {

// Debian 12's headers do not have them yet.
constexpr std::uint32_t bind_use_pieces = 1U << 4U;  // XDP_USE_SG, Linux 6.6
constexpr int prefer_busy_poll = 69;                 // SO_PREFER_BUSY_POLL, Linux 5.11
constexpr int busy_poll_budget = 70;                 // SO_BUSY_POLL_BUDGET
constexpr int busy_poll_microseconds = 20;

std::string name_of(const Socket::Options& options) {
    return options.interface + " queue " + std::to_string(options.queue);
}

Error bind_error(const Socket::Options& options, int error) {
    const std::string said = take_library_messages();
    const std::string tail = said.empty() ? "" : " (libxdp says: " + said + ")";
    if (options.zero_copy == ZeroCopy::on) {
        return {Error::Kind::invalid_config,
                name_of(options) + ": zero copy is refused: " + error_text(error) +
                    "; the driver has none here; set zero_copy = \"auto\"" + tail};
    }
    std::string cure = "the kernel needs CONFIG_XDP_SOCKETS, Linux 5.18 or later";
    if (error == EBUSY) {
        cure = "another AF_XDP socket holds this queue; stop the program that owns it";
    } else if (error == EINVAL) {
        cure = "does the interface have this queue? \"ethtool -l " + options.interface +
               "\" shows how many there are";
    }
    return {Error::Kind::io, name_of(options) +
                                 ": the AF_XDP socket cannot be bound: " + error_text(error) +
                                 "; " + cure_of(error, {CAP_NET_RAW, CAP_NET_ADMIN}, cure) + tail};
}

}  // namespace

Result<std::unique_ptr<Socket>> Socket::open(const Options& options) {
    std::uint32_t flags = XDP_USE_NEED_WAKEUP;
    // Frames of generic mode come from the kernel's own packets: always a copy. Binding with
    // neither flag, the kernel tries zero copy and falls back by itself.
    if (options.zero_copy == ZeroCopy::off ||
        (options.zero_copy == ZeroCopy::automatic && !options.native)) {
        flags |= XDP_COPY;
    } else if (options.zero_copy == ZeroCopy::on) {
        flags |= XDP_ZEROCOPY;
    }
    std::vector<std::uint32_t> attempts;
    if (options.frames_in_pieces) {
        attempts.push_back(flags | bind_use_pieces);
    }
    attempts.push_back(flags);

    int error = 0;
    for (const std::uint32_t attempt : attempts) {
        auto socket = std::make_unique<Socket>(options);
        auto umem =
            Umem::create({.chunks = 2 * options.rx_ring, .chunk_octets = options.frame_octets},
                         name_of(options));
        if (!umem) {
            return tl::unexpected(umem.error());
        }
        socket->umem_ = std::move(*umem);
        error = socket->bind(attempt);
        if (error == 0) {
            socket->takes_pieces_ = (attempt & bind_use_pieces) != 0;
            socket->ask_for_busy_poll();
            return socket;
        }
    }
    return tl::unexpected<Error>(bind_error(options, error));
}

Socket::~Socket() {
    if (socket_ != nullptr) {
        xsk_socket__delete(socket_);
    }
}

// Returns 0 or an errno value.
int Socket::bind(std::uint32_t flags) {
    xsk_socket_config config{};
    config.rx_size = options_.rx_ring;
    config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;  // ours is attached already
    config.xdp_flags = options_.native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
    config.bind_flags = static_cast<std::uint16_t>(flags);
    take_library_messages();
    const int error = xsk_socket__create(&socket_, options_.interface.c_str(), options_.queue,
                                         umem_->handle(), &rx_, nullptr, &config);
    if (error != 0) {
        socket_ = nullptr;
        return -error;
    }
    xdp_options bound{};
    socklen_t octets = sizeof(bound);
    zero_copy_ = ::getsockopt(number(), SOL_XDP, XDP_OPTIONS, &bound, &octets) == 0 &&
                 (bound.flags & XDP_OPTIONS_ZEROCOPY) != 0;
    return 0;
}

Result<void> Socket::join(int sockets_map) {
    const int error = xsk_socket__update_xskmap(socket_, sockets_map);
    if (error != 0) {
        return failed(Error::Kind::io, name_of(options_) +
                                           ": the kernel does not take the AF_XDP socket into "
                                           "the program's map: " +
                                           error_text(-error));
    }
    return {};
}

void Socket::ask_for_busy_poll() {
    if (!options_.busy_poll) {
        return;
    }
    struct Setting {
        int name;
        int value;
    };
    constexpr std::array<Setting, 3> settings{
        {{prefer_busy_poll, 1},
         {SO_BUSY_POLL, busy_poll_microseconds},
         {busy_poll_budget, static_cast<int>(burst_packets_max)}}};
    for (const Setting& setting : settings) {
        if (::setsockopt(number(), SOL_SOCKET, setting.name, &setting.value,
                         sizeof(setting.value)) != 0) {
            busy_poll_refusal_ = error_text(errno) + "; " +
                                 capability_cure({CAP_NET_ADMIN}, "Linux 5.11 or later is needed");
            return;
        }
    }
    busy_polls_ = true;
}

// Errors are not ours to mend: a link that is down wakes up by itself, and a loss shows in
// XDP_STATISTICS.
void Socket::wake_kernel() const noexcept {
    (void)::recvfrom(number(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
}

std::uint32_t Socket::waiting(std::uint32_t taken) const noexcept {
    const std::uint32_t produced = __atomic_load_n(rx_.producer, __ATOMIC_ACQUIRE);
    // While the polling core is at work both numbers move; the ring bounds the error.
    const std::uint32_t descriptors = std::min(produced - taken, options_.rx_ring);
    if (!takes_pieces_) {
        return descriptors;
    }
    std::uint32_t frames = 0;
    for (std::uint32_t i = 0; i < descriptors; ++i) {
        const bool is_last =
            (xsk_ring_cons__rx_desc(&rx_, taken + i)->options & piece_is_followed) == 0;
        frames += is_last ? 1U : 0U;
    }
    return frames;
}

SocketLosses Socket::losses() const noexcept {
    xdp_statistics statistics{};
    socklen_t octets = sizeof(statistics);
    if (::getsockopt(number(), SOL_XDP, XDP_STATISTICS, &statistics, &octets) != 0) {
        return {};
    }
    // rx_fill_ring_empty_descs is a cause of rx_dropped and contained in it.
    return {.no_buffer = statistics.rx_dropped,
            .ring_full = statistics.rx_ring_full,
            .invalid = statistics.rx_invalid_descs};
}

}  // namespace tapmeter::xdp
