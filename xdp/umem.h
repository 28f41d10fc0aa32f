#pragma once

#include <xdp/xsk.h>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "pipeline/base/bytes.h"
#include "pipeline/base/result.h"

namespace tapmeter::xdp {

// Octets in front of each frame that the kernel keeps free for itself (XDP_PACKET_HEADROOM).
inline constexpr std::uint32_t headroom_octets = 256;

// The memory of one queue's frames, in chunks of one size, and the ring by which chunks go to the
// kernel to be filled. Every chunk is in exactly one place: the fill ring, the kernel's hands, the
// socket's receive ring, or ours between receive() and release().
class Umem {
public:
    struct Size {
        std::uint32_t chunks = 0;        // power of two
        std::uint32_t chunk_octets = 0;  // 2,048 or 4,096
    };
    // Takes the memory and gives all chunks to the kernel.
    // owner    whose memory it is, for messages
    // errors   no_memory: the machine or the lock limit is short; io: no right to raw sockets
    static Result<std::unique_ptr<Umem>> create(Size size, const std::string& owner);

    Umem() = default;
    Umem(const Umem&) = delete;
    Umem& operator=(const Umem&) = delete;
    ~Umem();  // after its socket

    // The frame that a descriptor names. Polling core.
    Bytes frame(std::uint64_t address, std::uint32_t octets) const noexcept {
        return {base_ + address, octets};
    }

    // Gives the chunks of frames back to the kernel. Polling core.
    void give_back(std::span<const std::uint64_t> addresses) noexcept;

    // True where the kernel waits to be woken before it takes chunks again.
    bool wants_wakeup() const noexcept { return xsk_ring_prod__needs_wakeup(&fill_) != 0; }

    xsk_umem* handle() const noexcept { return umem_; }
    Size size() const noexcept { return size_; }

private:
    std::size_t frame_octets() const noexcept {
        return std::size_t{size_.chunks} * size_.chunk_octets;
    }
    Result<void> take_memory(const std::string& owner);
    Result<void> register_memory(const std::string& owner);

    Size size_;
    std::byte* base_ = nullptr;
    std::size_t octets_ = 0;  // of the mapping: whole huge pages
    xsk_umem* umem_ = nullptr;
    xsk_ring_prod fill_{};
    xsk_ring_cons completion_{};  // nothing is sent; the kernel wants it all the same
};

}  // namespace tapmeter::xdp
