#include "xdp/umem.h"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <cerrno>

#include "pipeline/base/expects.h"
#include "xdp/system_error.h"

namespace tapmeter::xdp {

namespace {

constexpr std::size_t huge_page_octets = std::size_t{2} << 20U;
constexpr std::uint32_t completions = 64;

std::string mebibytes(std::size_t octets) {
    return std::to_string((octets + (std::size_t{1} << 20U) - 1) >> 20U) + " MiB";
}

std::string lock_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return "unlimited";
    }
    return mebibytes(limit.rlim_cur);
}

Error register_error(int error, std::size_t octets, const std::string& owner) {
    const std::string said = take_library_messages();
    const std::string tail = said.empty() ? "" : " (libxdp says: " + said + ")";
    // Without CAP_IPC_LOCK the kernel charges the frames to the lock limit.
    if (error == ENOBUFS || error == ENOMEM) {
        return {Error::Kind::no_memory,
                owner + ": the kernel does not lock " + mebibytes(octets) +
                    " for its frames (lock limit: " + lock_limit() + "): " + error_text(error) +
                    "; " +
                    capability_cure({CAP_IPC_LOCK}, "this machine has too little free memory") +
                    "; or set LimitMEMLOCK=infinity, or lower rx_ring" + tail};
    }
    return {Error::Kind::io,
            owner + ": cannot open an AF_XDP socket: " + error_text(error) + "; " +
                cure_of(error, {CAP_NET_RAW},
                        "the kernel needs CONFIG_XDP_SOCKETS, Linux 5.18 or later") +
                tail};
}

}  // namespace

Umem::~Umem() {
    if (umem_ != nullptr) {
        xsk_umem__delete(umem_);
    }
    if (base_ != nullptr) {
        ::munmap(base_, octets_);
    }
}

Result<std::unique_ptr<Umem>> Umem::create(Size size, const std::string& owner) {
    auto umem = std::make_unique<Umem>();
    umem->size_ = size;
    if (auto taken = umem->take_memory(owner); !taken) {
        return tl::unexpected(taken.error());
    }
    if (auto registered = umem->register_memory(owner); !registered) {
        return tl::unexpected(registered.error());
    }
    std::uint32_t first = 0;
    expects(xsk_ring_prod__reserve(&umem->fill_, size.chunks, &first) == size.chunks);
    for (std::uint32_t chunk = 0; chunk < size.chunks; ++chunk) {
        *xsk_ring_prod__fill_addr(&umem->fill_, first + chunk) =
            std::uint64_t{chunk} * size.chunk_octets;
    }
    xsk_ring_prod__submit(&umem->fill_, size.chunks);
    return umem;
}

Result<void> Umem::take_memory(const std::string& owner) {
    octets_ = (frame_octets() + huge_page_octets - 1) / huge_page_octets * huge_page_octets;
    void* const memory =
        ::mmap(nullptr, octets_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return failed(Error::Kind::no_memory, owner + ": cannot take " + mebibytes(octets_) +
                                                  " for frames: " + error_text(errno) +
                                                  "; lower rx_ring or frame_octets");
    }
    base_ = static_cast<std::byte*>(memory);
    // Fewer TLB misses where the kernel gives huge pages; nothing is lost where it does not.
    ::madvise(memory, octets_, MADV_HUGEPAGE);
    return {};
}

Result<void> Umem::register_memory(const std::string& owner) {
    // Twice as many slots as chunks, so that giving chunks back never meets a full ring: the
    // kernel shows what it has taken from the ring late, by at most all the chunks it found there.
    const xsk_umem_config config{.fill_size = 2 * size_.chunks,
                                 .comp_size = completions,
                                 .frame_size = size_.chunk_octets,
                                 .frame_headroom = 0,
                                 .flags = 0};
    take_library_messages();
    const int error =
        xsk_umem__create(&umem_, base_, frame_octets(), &fill_, &completion_, &config);
    if (error != 0) {
        umem_ = nullptr;
        return tl::unexpected<Error>(register_error(-error, frame_octets(), owner));
    }
    return {};
}

void Umem::give_back(std::span<const std::uint64_t> addresses) noexcept {
    const auto count = static_cast<std::uint32_t>(addresses.size());
    std::uint32_t first = 0;
    if (count == 0) {
        return;
    }
    expects(xsk_ring_prod__reserve(&fill_, count, &first) == count);
    const std::uint64_t chunk_mask = ~(std::uint64_t{size_.chunk_octets} - 1);
    for (std::uint32_t i = 0; i < count; ++i) {
        *xsk_ring_prod__fill_addr(&fill_, first + i) = addresses[i] & chunk_mask;
    }
    xsk_ring_prod__submit(&fill_, count);
}

}  // namespace tapmeter::xdp
