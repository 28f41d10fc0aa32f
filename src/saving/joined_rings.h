#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <span>
#include <vector>

#include "pipeline/save_ring.h"

namespace tapmeter::saving {

// The packets of several workers, joined in the order of their times. Each ring is in order; of
// all that have a packet the earliest comes first, once no ring can have an earlier one: each has
// shown a later one, or had time enough to show it. Where a ring fills meanwhile there is no more
// waiting: rather out of order than lost. One thread.
class JoinedRings {
public:
    using Clock = std::chrono::steady_clock;
    // A worker shows within 50 ms what it holds, and a turn later.
    static constexpr std::chrono::milliseconds wait_max{150};

    explicit JoinedRings(std::vector<SaveRing*> rings);

    // Visits packets as far as their order is known; at most `packets_max`. Returns how many.
    // last  nothing comes any more: all that is there goes
    template <class Visit>
    std::size_t visit(Clock::time_point now, bool last, Visit&& visit) {
        std::size_t visited = 0;
        look(now);
        for (Run run = next_run(now, last); run.from != nullptr && visited < packets_max;
             run = next_run(now, last)) {
            for (bool goes_on = true; goes_on && visited < packets_max; ++visited) {
                visit(run.from->head, run.from->frame());
                goes_on = step(*run.from) && run.from->head.observed_ns <= run.until_ns;
            }
        }
        return visited;
    }

private:
    static constexpr std::size_t packets_max = 65'536;

    struct Source {
        SaveRing* ring;
        std::span<const std::byte> rest{};      // of the oldest chunk, from its next packet on
        SavedPacket head{};                     // of that packet
        std::deque<Clock::time_point> shown{};  // when each chunk was first seen, the oldest first

        bool has_packet() const noexcept { return !rest.empty(); }
        Bytes frame() const noexcept { return rest.subspan(sizeof(SavedPacket), head.octets); }
    };
    // Packets of one ring that come before those of all others.
    struct Run {
        Source* from = nullptr;  // null: nobody's turn is certain
        std::int64_t until_ns = 0;
    };

    void look(Clock::time_point now);
    static bool step(Source& source);
    static void begin_chunk(Source& source);
    Run next_run(Clock::time_point now, bool last) noexcept;

    std::vector<Source> sources_;
};

}  // namespace tapmeter::saving
