#include "pipeline/packet_sampler.h"

#include <algorithm>
#include <cmath>

#include "pipeline/base/expects.h"

namespace tapmeter {

namespace {

void count(std::atomic<std::uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

}  // namespace

PacketSampler::PacketSampler(const Setup& setup)
    : random_(setup.seed | 1U),
      gap_scale_(setup.one_in == 1 ? 0 : -1 / std::log1p(-1.0 / setup.one_in)),
      one_in_(setup.one_in),
      samples_(setup.samples_max),
      refused_(setup.observation_points) {
    expects(setup.one_in != 0);
    left_ = next_gap();
    since_last_ = left_;
}

std::uint64_t PacketSampler::refused() const noexcept {
    std::uint64_t all = 0;
    for (const auto& of_point : refused_) {
        all += of_point.load(std::memory_order_relaxed);
    }
    return all;
}

// Packets up to the next one, if each is chosen with probability p = 1/N: more than k with
// probability (1 - p)^k. Of a random number u in (0, 1] that is 1 + floor(ln u / ln(1 - p)), at
// most 37 N. The numbers are those of xorshift64* (Marsaglia 2003, Vigna 2016).
std::uint64_t PacketSampler::next_gap() noexcept {
    constexpr double from_53_bits = 0x1p-53;
    random_ ^= random_ >> 12U;
    random_ ^= random_ << 25U;
    random_ ^= random_ >> 27U;
    const std::uint64_t bits = random_ * 0x2545'f491'4f6c'dd1d;
    const double uniform = static_cast<double>((bits >> 11U) + 1) * from_53_bits;
    return 1 + static_cast<std::uint64_t>(-std::log(uniform) * gap_scale_);
}

// A sample that finds no room is lost; the packets that it stands for go to the next one.
void PacketSampler::choose(std::span<const Packet> burst) noexcept {
    std::size_t next = 0;
    while (left_ <= burst.size() - next) {
        next += left_;
        const Packet& packet = burst[next - 1];
        const bool room = samples_.free_slots(1) != 0;
        if (room) {
            PacketSample sample;
            sample.packets = since_last_;
            sample.wire_octets = packet.wire_octets;
            sample.observation_point = packet.observation_point;
            sample.link = packet.link;
            const auto kept =
                packet.frame.first(std::min(packet.frame.size(), sample.header.size()));
            std::ranges::copy(kept, sample.header.begin());
            sample.header_octets = static_cast<std::uint16_t>(kept.size());
            // Counted before it can be seen: nobody ever finds more samples than were taken.
            count(taken_);
            const bool pushed = samples_.push(sample);
            expects(pushed);
        } else {
            expects(packet.observation_point < refused_.size());
            count(refused_[packet.observation_point]);
        }
        left_ = next_gap();
        since_last_ = left_ + (room ? 0 : since_last_);
    }
    left_ -= burst.size() - next;
}

}  // namespace tapmeter
