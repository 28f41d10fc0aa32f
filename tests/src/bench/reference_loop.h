#pragma once

#include <array>
#include <cstdint>
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

// What a worker's time is compared with: a small meter that never changes. It asks of a core and
// its memory what metering asks, in the same order and as far ahead: a frame read in turn, a line
// of tags reached by chance, then two lines of the place that the tags point at, compared and
// written; and about as many steps of arithmetic. So what others do to caches, memory and clock
// slows both alike. Shares no code with the pipeline: what makes that slower leaves this as it is.
class ReferenceLoop {
public:
    // Room for four thirds of so many flows, as in the worker's table.
    ReferenceLoop(const Traffic& traffic, std::size_t flows)
        : traffic_(traffic), buckets_(flows * 4 / 3 / ways + 1), places_(buckets_.size() * ways) {}

    // Nanoseconds of CPU time a packet.
    double run(std::size_t packets) {
        const double began = thread_cpu_ns();
        for (std::size_t done = 0; done < packets; done += burst_packets_max) {
            burst();
        }
        return (thread_cpu_ns() - began) / static_cast<double>(packets);
    }

private:
    static constexpr std::size_t ways = 15;
    static constexpr std::size_t places_ahead = 16;

    struct alignas(64) Bucket {
        std::array<std::uint16_t, ways> tags{};
        std::array<std::uint16_t, ways> deadlines{};
        std::uint32_t used = 0;
    };
    struct alignas(64) Place {
        std::array<std::uint64_t, 6> key{};
        std::uint64_t last = 0;
        std::uint64_t first = 0;
        std::array<std::uint64_t, 6> counters{};
        std::array<std::uint16_t, 4> control_bits{};
        std::uint64_t seen = 0;
    };
    static_assert(sizeof(Bucket) == 64 && sizeof(Place) == 128);

    struct Seen {
        std::array<std::uint64_t, 6> key{};
        std::uint64_t hash = 0;
        std::uint32_t octets = 0;
        std::uint16_t control_bits = 0;
        std::uint8_t side = 0;
    };

    void burst() {
        if (next_ + burst_packets_max > traffic_.packets()) {
            next_ = 0;
        }
        for (std::size_t i = 0; i < burst_packets_max; ++i) {
            const Slot& ahead = traffic_.slot((next_ + i + burst_packets_max) % traffic_.packets());
            __builtin_prefetch(traffic_.frame(ahead));
            read(traffic_.frame(traffic_.slot(next_ + i)), seen_[i]);
            __builtin_prefetch(&buckets_[bucket_of(seen_[i].hash)]);
        }
        ++now_;
        std::array<std::size_t, burst_packets_max> guesses{};
        for (std::size_t i = 0; i < burst_packets_max + places_ahead; ++i) {
            if (i < burst_packets_max) {
                guesses[i] = guess(seen_[i].hash);
                __builtin_prefetch(places_[guesses[i]].key.data());
                __builtin_prefetch(places_[guesses[i]].counters.data());
            }
            if (i >= places_ahead) {
                add(seen_[i - places_ahead], guesses[i - places_ahead]);
            }
        }
        next_ += burst_packets_max;
    }

    // IPv4 and UDP or TCP behind Ethernet, the smaller endpoint first.
    static void read(const std::byte* frame, Seen& seen) {
        std::array<std::uint32_t, 2> addresses{};
        std::array<std::uint16_t, 2> ports{};
        std::memcpy(addresses.data(), frame + 26, sizeof(addresses));
        std::memcpy(ports.data(), frame + 34, sizeof(ports));
        const auto protocol = std::to_integer<std::uint64_t>(frame[23]);
        const std::uint64_t low = std::uint64_t{addresses[0]} << 16U | ports[0];
        const std::uint64_t high = std::uint64_t{addresses[1]} << 16U | ports[1];
        const bool turned = high < low;
        seen.side = turned ? 1 : 0;
        seen.key = {0, turned ? high : low, 0, turned ? low : high, protocol, 4};
        seen.octets = (std::to_integer<std::uint32_t>(frame[16]) << 8U) |
                      std::to_integer<std::uint32_t>(frame[17]);
        seen.control_bits = protocol == 6 ? std::to_integer<std::uint16_t>(frame[47]) : 0;
        std::uint64_t mixed = 0x243f'6a88'85a3'08d3;
        for (const std::uint64_t word : seen.key) {
            mixed = (mixed ^ word ^ (mixed >> 29U)) * 0x9e37'79b9'7f4a'7c15U;
        }
        seen.hash = mixed ^ (mixed >> 32U);
    }

    std::size_t bucket_of(std::uint64_t hash) const {
        return static_cast<std::size_t>(((hash & 0xffff'ffffU) * buckets_.size()) >> 32U);
    }
    static std::uint16_t tag_of(std::uint64_t hash) {
        return static_cast<std::uint16_t>((hash >> 40U) | 1U);
    }

    // The place of the tag's flow; of a new one the next in its bucket.
    std::size_t guess(std::uint64_t hash) {
        const std::size_t at = bucket_of(hash);
        Bucket& bucket = buckets_[at];
        const std::uint16_t tag = tag_of(hash);
        for (std::size_t way = 0; way < ways; ++way) {
            if (bucket.tags[way] == tag) {
                return at * ways + way;
            }
        }
        const std::size_t way = bucket.used++ % ways;
        bucket.tags[way] = tag;
        bucket.deadlines[way] = static_cast<std::uint16_t>(now_);
        return at * ways + way;
    }

    void add(const Seen& packet, std::size_t guess) {
        Place& place = places_[guess];
        if (place.key != packet.key) {
            place = Place{.key = packet.key, .last = now_, .first = now_};
        }
        place.last = place.last < now_ ? now_ : place.last;
        place.first = place.first > now_ ? now_ : place.first;
        const std::size_t side = std::size_t{packet.side} * 3;
        place.counters[side] += 1;
        place.counters[side + 1] += packet.octets;
        place.counters[side + 2] += packet.octets + 14;
        place.control_bits[packet.side] |= packet.control_bits;
        place.seen += place.counters[0] != 0 && place.counters[3] != 0 ? 1 : 0;
        total_ += packet.octets;
    }

    const Traffic& traffic_;
    std::vector<Bucket> buckets_;
    std::vector<Place> places_;
    std::array<Seen, burst_packets_max> seen_{};
    std::size_t next_ = 0;
    std::uint64_t now_ = 0;
    std::uint64_t total_ = 0;
};

}  // namespace tapmeter::bench::testing
