#include "xdp/queue.h"

#include <algorithm>
#include <utility>

#include "pipeline/base/expects.h"

namespace tapmeter::xdp {

Queue::Queue(Options options, std::unique_ptr<Socket> socket)
    : options_(std::move(options)), polled_(socket.get()), current_(std::move(socket)) {
    expects(options_.clock != nullptr);
    shown_.publish(progress_);
}

// Adds a piece to the packet that stands next in the burst. Returns whether it ended the frame.
bool Queue::take_piece(Burst& burst, const xdp_desc& piece, bool begins_frame) noexcept {
    Packet& packet = burst.packets[burst.count];
    if (begins_frame) {
        packet.frame = polled_->umem().frame(piece.addr, piece.len);
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
    xsk_ring_cons& rx = polled_->rx();
    std::uint32_t pieces = 0;        // taken from the ring
    std::uint32_t whole_pieces = 0;  // of whole frames
    bool at_frame_begin = true;
    while (burst.count < burst_packets_max && pieces < pieces_max) {
        std::uint32_t index = 0;
        const auto wanted = static_cast<std::uint32_t>(burst_packets_max - burst.count);
        const std::uint32_t peeked =
            xsk_ring_cons__peek(&rx, std::min(wanted, pieces_max - pieces), &index);
        if (peeked == 0) {
            break;
        }
        // No more pieces than frames are still wanted, so the burst cannot overflow.
        for (std::uint32_t i = 0; i < peeked; ++i) {
            const xdp_desc& piece = *xsk_ring_cons__rx_desc(&rx, index + i);
            addresses_[pieces++] = piece.addr;
            at_frame_begin = take_piece(burst, piece, at_frame_begin);
            whole_pieces = at_frame_begin ? pieces : whole_pieces;
        }
    }
    // A frame whose end is still to come stays in the ring. The kernel shows frames whole, so one
    // that fills all our room has no end at all.
    expects(whole_pieces != 0 || pieces < pieces_max);
    xsk_ring_cons__cancel(&rx, pieces - whole_pieces);
    return whole_pieces;
}

void Queue::receive(Burst& burst) noexcept {
    expects(held_ == 0);
    burst.count = 0;
    held_ = take_frames(burst);
    if (held_ == 0) {
        if (offered_.load(std::memory_order_relaxed) != nullptr) [[unlikely]] {
            go_over();
        } else if (polled_->wants_wakeup()) {
            polled_->wake_kernel();
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
    xsk_ring_cons__release(&polled_->rx(), held_);
    progress_.packets += burst.count;
    progress_.descriptors += held_;
    shown_.publish(progress_);
}

// Nothing waits in the socket before, and its interface is gone: nothing comes to it any more.
void Queue::go_over() noexcept {
    polled_ = offered_.exchange(nullptr, std::memory_order_acquire);
    progress_.descriptors = 0;
    ++progress_.sockets;
    shown_.publish(progress_);
}

void Queue::release() noexcept {
    polled_->umem().give_back(std::span{addresses_}.first(held_));
    held_ = 0;
}

void Queue::change_to(std::unique_ptr<Socket> socket) {
    const std::lock_guard lock(changing_);
    expects(next_ == nullptr);
    next_ = std::move(socket);
    offered_.store(next_.get(), std::memory_order_release);
}

bool Queue::settled() {
    const std::lock_guard lock(changing_);
    if (next_ == nullptr) {
        return true;
    }
    if (shown_.read().sockets == sockets_) {
        return false;
    }
    lost_before_ += current_->losses();
    current_ = std::move(next_);
    ++sockets_;
    return true;
}

SourceCounters Queue::counters() const noexcept {
    const Progress progress = shown_.read();
    return {.received = {progress.packets}, .received_octets = {progress.octets}};
}

std::string Queue::describe() const {
    return "xdp " + options_.name;
}

Packets Queue::waiting() const noexcept {
    const std::lock_guard lock(changing_);
    const Progress progress = shown_.read();
    if (next_ == nullptr) {
        return {current_->waiting(progress.descriptors)};
    }
    if (progress.sockets != sockets_) {
        return {next_->waiting(progress.descriptors)};
    }
    return {std::uint64_t{current_->waiting(progress.descriptors)} + next_->waiting(0)};
}

SocketLosses Queue::losses() const noexcept {
    const std::lock_guard lock(changing_);
    SocketLosses losses = lost_before_;
    losses += current_->losses();
    if (next_ != nullptr) {
        losses += next_->losses();
    }
    return losses;
}

}  // namespace tapmeter::xdp
