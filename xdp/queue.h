#pragma once

#include <xdp/xsk.h>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "pipeline/base/clock.h"
#include "pipeline/base/published.h"
#include "pipeline/base/source.h"
#include "xdp/umem.h"

namespace tapmeter::xdp {

enum class ZeroCopy : std::uint8_t { automatic, on, off };

// What the kernel did not hand over (XDP_STATISTICS), since the socket exists.
struct SocketLosses {
    std::uint64_t no_buffer = 0;  // the fill ring was empty, or the frame fits no buffer
    std::uint64_t ring_full = 0;
    std::uint64_t invalid = 0;
};

// One receive queue of an interface, through an AF_XDP socket of its own.
class Queue final : public PacketSource {
public:
    struct Options {
        std::string interface;
        std::uint32_t queue = 0;
        std::uint16_t observation_point = 0;
        std::uint32_t rx_ring = 4'096;       // descriptors; power of two
        std::uint32_t frame_octets = 4'096;  // 2,048 or 4,096
        ZeroCopy zero_copy = ZeroCopy::automatic;
        bool native = true;
        bool frames_in_pieces = false;
        bool busy_poll = false;
        const LiveClock* clock = nullptr;  // outlives the queue
    };
    // Opens the socket. It gets frames once its number stands in the program's map of sockets.
    // errors   invalid_config: zero copy wished and refused; no_memory, io: as Umem::create
    static Result<std::unique_ptr<Queue>> open(const Options& options);

    explicit Queue(Options options) : options_(std::move(options)) {}
    Queue(const Queue&) = delete;
    Queue& operator=(const Queue&) = delete;
    ~Queue() override;

    void receive(Burst& burst) noexcept override;
    void release() noexcept override;
    SourceCounters counters() const noexcept override;
    std::string describe() const override;

    // Frames in the receive ring now. Any thread; exact while nothing arrives or leaves.
    Packets waiting() const noexcept;
    // Any thread. A system call.
    SocketLosses losses() const noexcept;

    // Enters the socket into the program's map of sockets: from now on frames arrive.
    Result<void> join(int sockets_map);

    int socket() const noexcept { return xsk_socket__fd(socket_); }
    bool zero_copy() const noexcept { return zero_copy_; }
    // True where frames larger than a buffer arrive, in several pieces.
    bool takes_pieces() const noexcept { return takes_pieces_; }
    // Empty where busy polling works or is not wished; else why it does not.
    const std::string& busy_poll_refusal() const noexcept { return busy_poll_refusal_; }

private:
    // A frame has at most 46 pieces (MAX_SKB_FRAGS and the first), most have one; a burst ends
    // early when its frames fill this.
    static constexpr std::uint32_t pieces_max = 1'024;

    // What the polling core shows to others, once a burst.
    struct Progress {
        std::uint64_t packets = 0;
        std::uint64_t octets = 0;
        std::uint64_t descriptors = 0;  // taken from the receive ring
    };

    int open_socket(std::uint32_t bind_flags);
    void ask_for_busy_poll();
    void wake_kernel() const noexcept;
    std::uint32_t take_frames(Burst& burst) noexcept;
    bool take_piece(Burst& burst, const xdp_desc& piece, bool begins_frame) noexcept;

    Options options_;
    std::unique_ptr<Umem> umem_;
    xsk_socket* socket_ = nullptr;
    xsk_ring_cons rx_{};
    bool zero_copy_ = false;
    bool takes_pieces_ = false;
    bool busy_polls_ = false;
    std::string busy_poll_refusal_;

    std::uint32_t held_ = 0;  // pieces of the last burst, not yet released
    std::array<std::uint64_t, pieces_max> addresses_{};
    Progress progress_;
    Published<Progress> shown_;
};

}  // namespace tapmeter::xdp
