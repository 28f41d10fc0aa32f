#pragma once

#include <array>
#include <cstring>
#include <ctime>
#include <vector>

#include "pipeline/base/packet.h"
#include "src/bench/traffic.h"

namespace tapmeter::bench::testing {

// CPU time of the calling thread: other programs' turns are not in it.
inline double thread_cpu_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// What a worker's time is compared with: a loop that asks of a core and its memory about what
// metering does, and that never changes. Reads each frame's addresses and ports, mixes them with
// five multiplications, and adds to counters in two lines of a table that it reaches by chance,
// asked of memory a burst ahead. Shares no code with the pipeline: what makes that slower leaves
// this as it is.
class ReferenceLoop {
public:
    // entries  power of two, 128 octets each
    ReferenceLoop(const Traffic& traffic, std::size_t entries)
        : traffic_(traffic), entries_(entries) {}

    // Nanoseconds of CPU time a packet.
    double run(std::size_t packets) {
        const double began = thread_cpu_ns();
        for (std::size_t done = 0; done < packets; done += burst_packets_max) {
            burst();
        }
        return (thread_cpu_ns() - began) / static_cast<double>(packets);
    }

private:
    struct alignas(64) Entry {
        std::array<std::uint64_t, 8> first{};
        std::array<std::uint64_t, 8> second{};
    };
    struct Seen {
        std::array<std::uint64_t, 2> words{};
        std::size_t index = 0;
    };

    void burst() {
        if (next_ + burst_packets_max > traffic_.packets()) {
            next_ = 0;
        }
        std::array<Seen, burst_packets_max> seen;
        for (std::size_t i = 0; i < seen.size(); ++i) {
            const Slot& ahead = traffic_.slot((next_ + i + burst_packets_max) % traffic_.packets());
            __builtin_prefetch(traffic_.frame(ahead));
            read(traffic_.frame(traffic_.slot(next_ + i)), seen[i]);
            __builtin_prefetch(entries_[seen[i].index].first.data());
            __builtin_prefetch(entries_[seen[i].index].second.data());
        }
        for (const Seen& packet : seen) {
            add(packet, entries_[packet.index]);
        }
        next_ += burst_packets_max;
    }

    void read(const std::byte* frame, Seen& seen) const {
        constexpr std::size_t addresses_at = 26;
        std::memcpy(seen.words.data(), frame + addresses_at, sizeof(seen.words));
        std::uint64_t mixed = seen.words[0];
        for (unsigned round = 0; round < 5; ++round) {
            mixed = (mixed ^ (mixed >> 29U) ^ seen.words[1]) * 0x9e37'79b9'7f4a'7c15U;
        }
        seen.index = (mixed >> 32U) & (entries_.size() - 1);
    }

    static void add(const Seen& packet, Entry& entry) {
        if (entry.first[0] != packet.words[0]) {
            entry.first[0] = packet.words[0];
            entry.first[1] = 0;
        }
        const std::size_t side = packet.words[1] & 1U;
        entry.first[1] += 1;
        entry.first[2] += packet.words[1] & 0xffffU;
        entry.second[side * 4] += 1;
        entry.second[side * 4 + 1] += 60;
        entry.second[side * 4 + 2] |= packet.words[0];
    }

    const Traffic& traffic_;
    std::vector<Entry> entries_;
    std::size_t next_ = 0;
};

}  // namespace tapmeter::bench::testing
