#include "pipeline/steering.h"

#include <algorithm>
#include <bit>
#include <string>

#include "pipeline/base/counter.h"

namespace tapmeter {

namespace {

constexpr std::size_t outlet_capacity = 1024;  // packets; absorbs uneven bursts

std::uint64_t folded(const decode::Address& address, std::uint64_t key) noexcept {
    constexpr std::uint64_t odd_constant = 0x9e37'79b9'7f4a'7c15;
    __extension__ using Wide = unsigned __int128;
    const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(address);
    const Wide product =
        static_cast<Wide>(words[0] ^ key) * (words[1] ^ std::rotl(key, 32) ^ odd_constant);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

// Equal for both directions: the sum does not know which address came first.
std::uint64_t hash_of_addresses(const decode::Headers& headers, std::uint64_t key) noexcept {
    constexpr std::uint64_t odd_constant = 0xd6e8'feb8'6659'fd93;
    const std::uint64_t both =
        (folded(headers.source, key) + folded(headers.destination, key)) * odd_constant;
    return both ^ (both >> 32U);
}

}  // namespace

// The worker's end of one ring: a PacketSource like any other.
class Steering::Outlet final : public PacketSource {
public:
    Outlet(const Steering& steering, std::size_t number)
        : steering_(steering), number_(number), ring_(outlet_capacity) {}

    void receive(Burst& burst) noexcept override {
        // Asked before looking: what was handed over before the end is seen below.
        ended_ = steering_.finished_.load(std::memory_order_acquire);
        const auto packets = ring_.readable();
        burst.count = std::min(packets.size(), burst_packets_max);
        std::copy_n(packets.begin(), burst.count, burst.packets.begin());
        held_ = burst.count;
        for (const Packet& packet : burst.view()) {
            octets_.add(packet.wire_octets);
        }
        packets_.add(held_);
    }

    void release() noexcept override {
        ring_.consume(held_);
        ended_ = ended_ && held_ == 0;
        held_ = 0;
    }

    SourceCounters counters() const noexcept override {
        return {.received = {packets_.read()}, .received_octets = {octets_.read()}};
    }
    std::string describe() const override { return "steering outlet " + std::to_string(number_); }
    bool exhausted() const noexcept override { return ended_; }

    Ring<Packet>& ring() noexcept { return ring_; }
    const Ring<Packet>& ring() const noexcept { return ring_; }

private:
    const Steering& steering_;
    std::size_t number_;
    Ring<Packet> ring_;
    std::size_t held_ = 0;
    bool ended_ = false;
    Counter packets_;
    Counter octets_;
};

Steering::Steering(Parts parts)
    : outer_points_(parts.outer_points),
      views_stay_valid_(parts.views_stay_valid),
      hash_key_(parts.hash_key) {
    inlets_.reserve(parts.inlets.size());
    for (PacketSource* source : parts.inlets) {
        inlets_.push_back(Inlet{.source = source});
    }
    outlets_.reserve(parts.outlets);
    for (std::size_t number = 0; number < parts.outlets; ++number) {
        outlets_.push_back(std::make_unique<Outlet>(*this, number));
    }
}

Steering::~Steering() = default;

PacketSource& Steering::outlet(std::size_t index) noexcept {
    return *outlets_[index];
}

std::size_t Steering::turn() noexcept {
    std::size_t moved = 0;
    bool ended = true;
    // A frame goes back to its queue only after the workers are done with it.
    const bool may_release = views_stay_valid_ || consumed();
    for (Inlet& inlet : inlets_) {
        if (inlet.held && inlet.handed_over == inlet.burst.count && may_release) {
            inlet.source->release();
            inlet.held = false;
        }
        if (!inlet.held && taking_) {
            receive(inlet);
        }
        moved += hand_over(inlet);
        ended = ended && !inlet.held && (!taking_ || inlet.source->exhausted());
    }
    for (const auto& outlet : outlets_) {
        outlet->ring().publish();
    }
    if (ended) {
        finished_.store(true, std::memory_order_release);
    }
    return moved;
}

void Steering::receive(Inlet& inlet) noexcept {
    inlet.source->receive(inlet.burst);
    inlet.handed_over = 0;
    inlet.held = inlet.burst.count != 0;
    if (!inlet.held) {
        inlet.source->release();
        return;
    }
    for (std::size_t i = 0; i < inlet.burst.count; ++i) {
        const auto headers = decode_metered(inlet.burst.packets[i], outer_points_, tunnels_);
        const bool is_ip = headers && headers->ip_version != 0;
        inlet.outlet_of[i] = is_ip ? static_cast<std::uint16_t>(
                                         hash_of_addresses(*headers, hash_key_) % outlets_.size())
                                   : std::uint16_t{0};
    }
}

std::size_t Steering::hand_over(Inlet& inlet) noexcept {
    const std::size_t before = inlet.handed_over;
    while (inlet.held && inlet.handed_over < inlet.burst.count) {
        Outlet& outlet = *outlets_[inlet.outlet_of[inlet.handed_over]];
        if (!outlet.ring().push(inlet.burst.packets[inlet.handed_over])) {
            break;
        }
        ++inlet.handed_over;
    }
    return inlet.handed_over - before;
}

bool Steering::consumed() const noexcept {
    return std::ranges::all_of(outlets_,
                               [](const auto& outlet) { return outlet->ring().waiting() == 0; });
}

std::size_t Steering::waiting() const noexcept {
    std::size_t packets = 0;
    for (const auto& outlet : outlets_) {
        packets += outlet->ring().waiting();
    }
    return packets;
}

}  // namespace tapmeter
