#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "pipeline/base/packet.h"
#include "pipeline/base/ring.h"

namespace tapmeter {

// The first octets of a packet that was chosen, and what is to be known of it.
struct alignas(cache_line_octets) PacketSample {
    static constexpr std::size_t header_octets_max = 128;

    std::array<std::byte, header_octets_max> header{};
    std::uint64_t packets = 0;      // since the sample before, this one included
    std::uint32_t wire_octets = 0;  // without FCS
    std::uint16_t header_octets = 0;
    std::uint16_t observation_point = 0;
    LinkType link = LinkType::ethernet;
};
static_assert(std::is_trivially_copyable_v<PacketSample>, "crosses the ring as octets");

// Chooses one packet in N of those that a worker looks at: each for itself with probability 1/N,
// whatever came before (sFlow version 5, section 3.1), so no pattern of the traffic meets one of
// the sampling. Drawn is how far the next one is away; a burst without it costs one comparison.
//
// One worker calls look_at(), has_room() and publish(); one other thread reads the samples; the
// counts are for any.
class PacketSampler {
public:
    struct Setup {
        std::uint32_t one_in = 1'024;        // 1 to 16,777,215
        std::size_t samples_max = 1'024;     // that wait; a power of two
        std::size_t observation_points = 1;  // whose indices packets have
        std::uint64_t seed = 1;
    };
    explicit PacketSampler(const Setup& setup);

    // The next burst; looks at none of its octets unless one of its packets is chosen.
    void look_at(std::span<const Packet> burst) noexcept {
        if (left_ > burst.size()) [[likely]] {
            left_ -= burst.size();
            return;
        }
        choose(burst);
    }

    // Whether every packet of a burst could be chosen now: for packets that can wait.
    bool has_room() noexcept { return samples_.free_slots(burst_packets_max) >= burst_packets_max; }

    // Makes visible what was chosen.
    void publish() noexcept {
        if (samples_.unpublished() != 0) [[unlikely]] {
            samples_.publish();
        }
    }

    // The reader's.
    Ring<PacketSample>& samples() noexcept { return samples_; }
    std::uint32_t one_in() const noexcept { return one_in_; }

    // Any thread: what the ring took; what it had no room for, of all points and of one.
    std::uint64_t taken() const noexcept { return taken_.load(std::memory_order_acquire); }
    std::uint64_t refused() const noexcept;
    std::uint64_t refused_of(std::size_t observation_point) const noexcept {
        return refused_[observation_point].load(std::memory_order_relaxed);
    }

private:
    std::uint64_t next_gap() noexcept;
    void choose(std::span<const Packet> burst) noexcept;

    std::uint64_t left_ = 0;        // the packet so far ahead is chosen
    std::uint64_t since_last_ = 0;  // packets that the next sample stands behind, itself included
    std::uint64_t random_;
    double gap_scale_;  // of the logarithm of a random number
    std::uint32_t one_in_;
    Ring<PacketSample> samples_;
    std::atomic<std::uint64_t> taken_{0};              // written by the worker alone, as the next
    std::vector<std::atomic<std::uint64_t>> refused_;  // by Observation Point
};

}  // namespace tapmeter
