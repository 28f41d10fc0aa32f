#include "xdp/queue.h"

#include <linux/capability.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <vector>

#include "pipeline/base/expects.h"
#include "xdp/system_error.h"

namespace tapmeter::xdp {

namespace {

// Linux 6.6; Debian 12's headers do not have them yet.
constexpr std::uint32_t bind_use_pieces = 1U << 4U;    // XDP_USE_SG
constexpr std::uint32_t piece_is_followed = 1U << 0U;  // XDP_PKT_CONTD
constexpr int prefer_busy_poll = 69;                   // SO_PREFER_BUSY_POLL, Linux 5.11
constexpr int busy_poll_budget = 70;                   // SO_BUSY_POLL_BUDGET
constexpr int busy_poll_microseconds = 20;

std::string name_of(const Queue::Options& options) {
    return options.interface + " queue " + std::to_string(options.queue);
}

Error bind_error(const Queue::Options& options, int error) {
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
                                 "; " + capability_cure({CAP_NET_RAW, CAP_NET_ADMIN}, cure) + tail};
}

}  // namespace

Result<std::unique_ptr<Queue>> Queue::open(const Options& options) {
    expects(options.clock != nullptr);
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
        auto queue = std::make_unique<Queue>(options);
        auto umem =
            Umem::create({.chunks = 2 * options.rx_ring, .chunk_octets = options.frame_octets},
                         name_of(options));
        if (!umem) {
            return tl::unexpected(umem.error());
        }
        queue->umem_ = std::move(*umem);
        error = queue->open_socket(attempt);
        if (error == 0) {
            queue->takes_pieces_ = (attempt & bind_use_pieces) != 0;
            queue->ask_for_busy_poll();
            return queue;
        }
    }
    return tl::unexpected<Error>(bind_error(options, error));
}

Queue::~Queue() {
    if (socket_ != nullptr) {
        xsk_socket__delete(socket_);
    }
}

// Returns 0 or an errno value.
int Queue::open_socket(std::uint32_t bind_flags) {
    xsk_socket_config config{};
    config.rx_size = options_.rx_ring;
    config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;  // ours is attached already
    config.xdp_flags = options_.native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
    config.bind_flags = static_cast<std::uint16_t>(bind_flags);
    take_library_messages();
    const int error = xsk_socket__create(&socket_, options_.interface.c_str(), options_.queue,
                                         umem_->handle(), &rx_, nullptr, &config);
    if (error != 0) {
        socket_ = nullptr;
        return -error;
    }
    xdp_options bound{};
    socklen_t octets = sizeof(bound);
    zero_copy_ = ::getsockopt(socket(), SOL_XDP, XDP_OPTIONS, &bound, &octets) == 0 &&
                 (bound.flags & XDP_OPTIONS_ZEROCOPY) != 0;
    return 0;
}

Result<void> Queue::join(int sockets_map) {
    const int error = xsk_socket__update_xskmap(socket_, sockets_map);
    if (error != 0) {
        return failed(Error::Kind::io, name_of(options_) +
                                           ": the kernel does not take the AF_XDP socket into "
                                           "the program's map: " +
                                           error_text(-error));
    }
    return {};
}

void Queue::ask_for_busy_poll() {
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
        if (::setsockopt(socket(), SOL_SOCKET, setting.name, &setting.value,
                         sizeof(setting.value)) != 0) {
            busy_poll_refusal_ = error_text(errno) + "; " +
                                 capability_cure({CAP_NET_ADMIN}, "Linux 5.11 or later is needed");
            return;
        }
    }
    busy_polls_ = true;
}

// Lets the kernel go on with this queue; waits for nothing. Errors are not ours to mend: a link
// that is down wakes up by itself, and a loss shows in XDP_STATISTICS.
void Queue::wake_kernel() const noexcept {
    (void)::recvfrom(socket(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
}

// Adds a piece to the packet that stands next in the burst. Returns whether it ended the frame.
bool Queue::take_piece(Burst& burst, const xdp_desc& piece, bool begins_frame) noexcept {
    Packet& packet = burst.packets[burst.count];
    if (begins_frame) {
        packet.frame = umem_->frame(piece.addr, piece.len);
        // Another core has just written it, or the NIC: the decoder would wait for each.
        __builtin_prefetch(packet.frame.data());
        packet.wire_octets = 0;
    }
    packet.wire_octets += piece.len;
    if ((piece.options & piece_is_followed) != 0) {
        return false;
    }
    progress_.octets += packet.wire_octets;
    ++burst.count;
    return true;
}

// Fills the burst with whole frames and returns how many pieces they have. The first piece alone
// is shown: it holds every header, and what follows is payload that nobody decodes.
std::uint32_t Queue::take_frames(Burst& burst) noexcept {
    std::uint32_t pieces = 0;        // taken from the ring
    std::uint32_t whole_pieces = 0;  // of whole frames
    bool at_frame_begin = true;
    while (burst.count < burst_packets_max && pieces < pieces_max) {
        std::uint32_t index = 0;
        const auto wanted = static_cast<std::uint32_t>(burst_packets_max - burst.count);
        const std::uint32_t peeked =
            xsk_ring_cons__peek(&rx_, std::min(wanted, pieces_max - pieces), &index);
        if (peeked == 0) {
            break;
        }
        // No more pieces than frames are still wanted, so the burst cannot overflow.
        for (std::uint32_t i = 0; i < peeked; ++i) {
            const xdp_desc& piece = *xsk_ring_cons__rx_desc(&rx_, index + i);
            addresses_[pieces++] = piece.addr;
            at_frame_begin = take_piece(burst, piece, at_frame_begin);
            whole_pieces = at_frame_begin ? pieces : whole_pieces;
        }
    }
    // A frame whose end is still to come stays in the ring. The kernel shows frames whole, so one
    // that fills all our room has no end at all.
    expects(whole_pieces != 0 || pieces < pieces_max);
    xsk_ring_cons__cancel(&rx_, pieces - whole_pieces);
    return whole_pieces;
}

void Queue::receive(Burst& burst) noexcept {
    expects(held_ == 0);
    burst.count = 0;
    held_ = take_frames(burst);
    if (held_ == 0) {
        if (busy_polls_ || umem_->wants_wakeup()) {
            wake_kernel();
        }
        return;
    }
    // One clock reading for the burst: its frames arrived within the last few microseconds.
    const ObservedAt observed_at = options_.clock->now();
    for (Packet& packet : std::span{burst.packets}.first(burst.count)) {
        packet.observed_at = observed_at;
        packet.observation_point = options_.observation_point;
        packet.link = LinkType::ethernet;
    }
    xsk_ring_cons__release(&rx_, held_);
    progress_.packets += burst.count;
    progress_.descriptors += held_;
    shown_.publish(progress_);
}

void Queue::release() noexcept {
    umem_->give_back(std::span{addresses_}.first(held_));
    held_ = 0;
}

SourceCounters Queue::counters() const noexcept {
    const Progress progress = shown_.read();
    return {.received = {progress.packets}, .received_octets = {progress.octets}};
}

std::string Queue::describe() const {
    return "xdp " + name_of(options_);
}

Packets Queue::waiting() const noexcept {
    const auto taken = static_cast<std::uint32_t>(shown_.read().descriptors);
    const std::uint32_t produced = __atomic_load_n(rx_.producer, __ATOMIC_ACQUIRE);
    // While the polling core is at work both numbers move; the ring bounds the error.
    const std::uint32_t descriptors = std::min(produced - taken, options_.rx_ring);
    if (!takes_pieces_) {
        return {descriptors};
    }
    Packets frames;
    for (std::uint32_t i = 0; i < descriptors; ++i) {
        const bool is_last =
            (xsk_ring_cons__rx_desc(&rx_, taken + i)->options & piece_is_followed) == 0;
        frames += Packets{is_last ? 1U : 0U};
    }
    return frames;
}

SocketLosses Queue::losses() const noexcept {
    xdp_statistics statistics{};
    socklen_t octets = sizeof(statistics);
    if (::getsockopt(socket(), SOL_XDP, XDP_STATISTICS, &statistics, &octets) != 0) {
        return {};
    }
    // rx_fill_ring_empty_descs is a cause of rx_dropped and contained in it.
    return {.no_buffer = statistics.rx_dropped,
            .ring_full = statistics.rx_ring_full,
            .invalid = statistics.rx_invalid_descs};
}

}  // namespace tapmeter::xdp
