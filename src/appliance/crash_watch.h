#pragma once

#include <array>
#include <cstddef>

#include "pipeline/inspect/crash_slot.h"

namespace tapmeter {

// From now on, a thread under a CrashWatch that ends this process by SIGSEGV, SIGBUS, SIGFPE,
// SIGILL or SIGABRT notes the signal in its slot first. The process ends as it would have, with
// the same core file. Before any thread starts.
void note_crashes();

// One worker's thread, from its construction to its end there. A null slot is not written.
class CrashWatch {
public:
    explicit CrashWatch(inspect::CrashSlot* slot) noexcept;
    ~CrashWatch();
    CrashWatch(const CrashWatch&) = delete;
    CrashWatch& operator=(const CrashWatch&) = delete;

private:
    static constexpr std::size_t stack_octets = std::size_t{64} << 10U;

    // What the handler runs on: that of the thread may be what is used up.
    std::array<std::byte, stack_octets> stack_{};
};

}  // namespace tapmeter
