#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "pipeline/base/clock.h"
#include "pipeline/base/published.h"
#include "pipeline/base/source.h"
#include "xdp/socket.h"

namespace tapmeter::xdp {

// One receive queue of an interface, through an AF_XDP socket of its own; through another one where
// the interface went and came back. One thread polls; another, the control side, changes sockets.
class Queue final : public PacketSource {
public:
    struct Options {
        std::string name;  // such as "eth1 queue 3"
        std::uint16_t observation_point = 0;
        const LiveClock* clock = nullptr;  // outlives the queue
    };
    Queue(Options options, std::unique_ptr<Socket> socket);

    void receive(Burst& burst) noexcept override;
    void release() noexcept override;
    SourceCounters counters() const noexcept override;
    std::string describe() const override;

    // Control side: from now on frames come from this socket, once what waits in the one before is
    // taken. Not before settled() said so of the last change.
    void change_to(std::unique_ptr<Socket> socket);
    // Control side: whether the polling core has gone over to the newest socket. Gives the one
    // before back to the kernel.
    bool settled();

    // Any thread. Frames in the receive ring now; exact while nothing arrives or leaves.
    Packets waiting() const noexcept;
    // Any thread. A system call or two.
    SocketLosses losses() const noexcept;
    // Control side: the newest socket.
    const Socket& socket() const noexcept { return next_ != nullptr ? *next_ : *current_; }

private:
    // A frame has at most 46 pieces (MAX_SKB_FRAGS and the first), most have one; a burst ends
    // early when its frames fill this.
    static constexpr std::uint32_t pieces_max = 1'024;

    // What the polling core shows to others, once a burst.
    struct Progress {
        std::uint64_t packets = 0;
        std::uint64_t octets = 0;
        std::uint32_t descriptors = 0;  // taken from the receive ring of this socket
        std::uint32_t sockets = 1;      // the how manieth it is
    };

    std::uint32_t take_frames(Burst& burst) noexcept;
    bool take_piece(Burst& burst, const xdp_desc& piece, bool begins_frame) noexcept;
    void go_over() noexcept;

    Options options_;

    // Polling core.
    Socket* polled_;
    std::uint32_t held_ = 0;  // pieces of the last burst, not yet released
    std::array<std::uint64_t, pieces_max> addresses_{};
    Progress progress_;
    Published<Progress> shown_;

    std::atomic<Socket*> offered_{nullptr};  // to go over to; null: nothing has changed

    // Control side, and whoever reads.
    mutable std::mutex changing_;
    std::unique_ptr<Socket> current_;
    std::unique_ptr<Socket> next_;  // null: there is no change
    std::uint32_t sockets_ = 1;     // until now, `next_` left out
    SocketLosses lost_before_{};    // of sockets that are gone
};

}  // namespace tapmeter::xdp
