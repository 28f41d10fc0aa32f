#pragma once

#include <rte_mbuf.h>
#include <sanitizer/asan_interface.h>

#include <cstddef>

namespace tapmeter::dpdk {

// AddressSanitizer knows nothing of DPDK's memory: a decoder that reads behind a frame reads the
// rest of its buffer, and nobody notices. While a worker holds a frame, these make its
// surroundings forbidden: head room and tail of the first buffer, and all of the later buffers of a
// frame that spans several, which are never shown. In other builds the macros are empty and the
// loops vanish.

inline std::byte* buffer_start(const rte_mbuf& mbuf) noexcept {
    return static_cast<std::byte*>(mbuf.buf_addr);
}

// Only a buffer's own memory is guarded: attached and external ones are shared between frames.
inline void forbid_surroundings(const rte_mbuf& first) noexcept {
    if (RTE_MBUF_DIRECT(&first)) {
        const std::size_t frame_end = std::size_t{first.data_off} + first.data_len;
        ASAN_POISON_MEMORY_REGION(buffer_start(first), first.data_off);
        ASAN_POISON_MEMORY_REGION(buffer_start(first) + frame_end, first.buf_len - frame_end);
    }
    for (const rte_mbuf* later = first.next; later != nullptr; later = later->next) {
        if (RTE_MBUF_DIRECT(later)) {
            ASAN_POISON_MEMORY_REGION(buffer_start(*later), later->buf_len);
        }
    }
}

inline void allow_surroundings(const rte_mbuf& first) noexcept {
    for (const rte_mbuf* each = &first; each != nullptr; each = each->next) {
        if (RTE_MBUF_DIRECT(each)) {
            ASAN_UNPOISON_MEMORY_REGION(buffer_start(*each), each->buf_len);
        }
    }
}

}  // namespace tapmeter::dpdk
