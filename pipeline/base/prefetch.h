#pragma once

namespace tapmeter {

// Asks memory for the cache line that `octet` stands in, so that a later pass over the burst finds
// it near. May point anywhere: an address that is not mapped asks for nothing.
//
// The empty statement for the assembler is there because GCC takes a function that does nothing
// but prefetch for one without any effect, and leaves out the calls of it. It did: the metering
// then waited for every flow's two lines, 90 ns a packet.
[[gnu::always_inline]] inline void prefetch(const void* octet) noexcept {
    __builtin_prefetch(octet);
    asm volatile("" : : "r"(octet));
}

// The same for a line that will be written: where another core read it last, that core gives it up
// meanwhile. The compiler's own prefetch for writing asks for reading on this baseline; every
// 64-bit CPU since 2008 knows the instruction or takes it for nothing.
[[gnu::always_inline]] inline void prefetch_to_write(void* octet) noexcept {
#if defined(__x86_64__)
    asm volatile("prefetchw (%0)" : : "r"(octet));
#else
    __builtin_prefetch(octet, 1);
    asm volatile("" : : "r"(octet));
#endif
}

}  // namespace tapmeter
