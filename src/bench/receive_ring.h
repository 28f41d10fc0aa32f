#pragma once

#include <atomic>
#include <cstdint>

#include "pipeline/base/counter.h"
#include "pipeline/base/packet.h"
#include "pipeline/base/units.h"

namespace tapmeter::bench {

// The receive ring of a NIC on a wire that does not wait: packets arrive by the clock, at a steady
// rate, whether anybody polls or not; those that find the ring full are lost and counted. A slot
// is free again once its burst was released. Arrivals are worked out when somebody polls: in
// between nothing can leave the ring, so the result is that of a ring filled all the time.
class ReceiveRing {
public:
    static constexpr std::uint32_t slots_min = 64;
    static constexpr std::uint32_t slots_max = 32'768;

    // What the wire does.
    static constexpr std::int64_t endless = -1;  // there is always a packet, none is lost
    static constexpr std::int64_t silent = 0;

    explicit ReceiveRing(std::uint32_t slots) noexcept : slots_(slots) {}

    // Any thread: from the next poll on so many packets a second arrive, or `endless`, `silent`.
    void set_rate(std::int64_t packets_per_second) noexcept {
        rate_.store(packets_per_second, std::memory_order_relaxed);
    }

    // Polling thread. How many packets a burst may take now; take() says how many it took,
    // give_back() that they are released.
    std::size_t available(Nanoseconds now) noexcept;
    void take(std::size_t packets) noexcept;
    void give_back() noexcept { held_ = 0; }

    // Any thread.
    std::uint64_t dropped() const noexcept { return dropped_.read(); }
    std::uint64_t waiting() const noexcept { return waiting_.read(); }
    // True once the polling thread has seen this rate.
    bool follows(std::int64_t packets_per_second) const noexcept {
        return followed_.load(std::memory_order_acquire) == packets_per_second;
    }

private:
    void arrive(Nanoseconds now) noexcept;

    std::uint32_t slots_;
    std::atomic<std::int64_t> rate_{endless};
    std::atomic<std::int64_t> followed_{endless};
    std::int64_t rate_now_ = endless;
    Nanoseconds began_{};        // of this rate
    std::uint64_t arrived_ = 0;  // since then
    std::uint64_t held_ = 0;     // in the burst that is not released
    Counter waiting_;
    Counter dropped_;
};

}  // namespace tapmeter::bench
