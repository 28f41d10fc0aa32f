#pragma once

#include <xdp/xsk.h>
#include <cstdint>
#include <memory>
#include <string>

#include "pipeline/base/result.h"
#include "xdp/umem.h"

namespace tapmeter::xdp {

enum class ZeroCopy : std::uint8_t { automatic, on, off };

// What the kernel did not hand over (XDP_STATISTICS), since the socket exists.
struct SocketLosses {
    std::uint64_t no_buffer = 0;  // the fill ring was empty, or the frame fits no buffer
    std::uint64_t ring_full = 0;
    std::uint64_t invalid = 0;

    SocketLosses& operator+=(const SocketLosses& other) noexcept {
        no_buffer += other.no_buffer;
        ring_full += other.ring_full;
        invalid += other.invalid;
        return *this;
    }
};

// An AF_XDP socket on one queue of an interface, with the memory of its frames. It serves that
// interface as long as there is one: of the same name made anew is another interface to it.
class Socket {
public:
    struct Options {
        std::string interface;
        std::uint32_t queue = 0;
        std::uint32_t rx_ring = 4'096;       // descriptors; power of two
        std::uint32_t frame_octets = 4'096;  // 2,048 or 4,096
        ZeroCopy zero_copy = ZeroCopy::automatic;
        bool native = true;
        bool frames_in_pieces = false;
        bool busy_poll = false;
    };
    // Opens the socket. It gets frames once its number stands in the program's map of sockets.
    // errors   invalid_config: zero copy wished and refused; no_memory, io: as Umem::create
    static Result<std::unique_ptr<Socket>> open(const Options& options);

    explicit Socket(Options options) : options_(std::move(options)) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket();

    // Enters the socket into the program's map of sockets, in the place of the one before: from
    // now on frames arrive.
    Result<void> join(int sockets_map);

    // Polling core.
    xsk_ring_cons& rx() noexcept { return rx_; }
    Umem& umem() noexcept { return *umem_; }
    // Lets the kernel go on with this queue; waits for nothing.
    void wake_kernel() const noexcept;
    // Whether an idle poll has to wake it.
    bool wants_wakeup() const noexcept { return busy_polls_ || umem_->wants_wakeup(); }

    // Any thread.
    // Frames in the receive ring; exact while nothing arrives or leaves.
    // taken  descriptors that the polling core has taken out of it so far
    std::uint32_t waiting(std::uint32_t taken) const noexcept;
    // A system call.
    SocketLosses losses() const noexcept;
    bool zero_copy() const noexcept { return zero_copy_; }
    // True where frames larger than a buffer arrive, in several pieces.
    bool takes_pieces() const noexcept { return takes_pieces_; }
    // Empty where busy polling works or is not wished; else why it does not.
    const std::string& busy_poll_refusal() const noexcept { return busy_poll_refusal_; }

private:
    int number() const noexcept { return xsk_socket__fd(socket_); }
    int bind(std::uint32_t flags);
    void ask_for_busy_poll();

    Options options_;
    std::unique_ptr<Umem> umem_;
    xsk_socket* socket_ = nullptr;
    xsk_ring_cons rx_{};
    bool zero_copy_ = false;
    bool takes_pieces_ = false;
    bool busy_polls_ = false;
    std::string busy_poll_refusal_;
};

// Of a frame in several pieces all but the last have this option (XDP_PKT_CONTD, Linux 6.6;
// Debian 12's headers do not have it yet).
inline constexpr std::uint32_t piece_is_followed = 1U << 0U;

}  // namespace tapmeter::xdp
