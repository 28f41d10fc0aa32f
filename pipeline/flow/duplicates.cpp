#include "pipeline/flow/duplicates.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <utility>

namespace tapmeter::flow {

namespace {

constexpr std::size_t blocks =
    (Duplicates::octets_looked_at + sizeof(FlowKey) - 1) / sizeof(FlowKey);
constexpr std::size_t block_octets_all = blocks * sizeof(FlowKey);

// Where a router writes in a packet that it forwards.
constexpr std::array<std::size_t, 4> changing_ipv4{1, 8, 10, 11};  // service, TTL, checksum
constexpr std::size_t hop_limit_at = 7;
constexpr unsigned traffic_class_high = 0xf0;  // octet 0 is version, then the class' upper half
constexpr unsigned traffic_class_low = 0x0f;   // octet 1 is its lower half, then the flow label

}  // namespace

bool Duplicates::Settings::any() const noexcept {
    return std::ranges::any_of(windows, [](Nanoseconds window) { return window.count() != 0; });
}

std::uint64_t Duplicates::octets_for(const Settings& settings) noexcept {
    return settings.any() ? packets_max * sizeof(Slot) : 0;
}

Result<std::unique_ptr<Duplicates>> Duplicates::make(const Settings& settings,
                                                     const HashKey& secret) {
    auto region =
        Region::reserve({.octets = packets_max * sizeof(Slot), .populate = settings.populate});
    if (!region) {
        return failed(Error::Kind::no_memory,
                      "no memory to remember packets for capture.dedup; set it to \"0s\" or lower "
                      "workers.count");
    }
    return std::unique_ptr<Duplicates>(new Duplicates(settings, secret, std::move(*region)));
}

Duplicates::Duplicates(Settings settings, const HashKey& secret, Region region)
    : settings_(std::move(settings)), hasher_(secret), region_(std::move(region)) {
    void* const first = region_.octets().data();  // zeroed: an array of free slots
    slots_ = {static_cast<Slot*>(first), packets_max};
}

// Blocks are hashed under the secret each by itself, their values turned by their place and joined.
std::uint64_t Duplicates::print_of(Bytes ip, const Observation& packet) const noexcept {
    std::array<std::byte, block_octets_all> octets{};
    const Bytes seen = ip.first(std::min(ip.size(), octets_looked_at));
    std::memcpy(octets.data(), seen.data(), seen.size());
    if (std::to_integer<unsigned>(octets[0]) >> 4U == 4) {
        for (const std::size_t at : changing_ipv4) {
            octets[at] = std::byte{0};
        }
    } else {
        octets[0] &= std::byte{traffic_class_high};
        octets[1] &= std::byte{traffic_class_low};
        octets[hop_limit_at] = std::byte{0};
    }
    // Behind what is looked at there is room for what is not: lengths, and with them the rest.
    std::memcpy(&octets[octets_looked_at], &packet.octets, sizeof(packet.octets));
    const auto keys = std::bit_cast<std::array<FlowKey, blocks>>(octets);
    std::array<FlowHash, blocks> hashes{};
    hasher_.hash(keys, hashes);
    std::uint64_t print = 0;
    constexpr int turn = 21;
    for (const FlowHash hash : hashes) {
        print = std::rotl(print, turn) ^ number_of(hash);
    }
    return print | 1U;
}
static_assert(block_octets_all >= Duplicates::octets_looked_at + sizeof(Observation::octets));

bool Duplicates::is_copy(Bytes ip, const Observation& packet) noexcept {
    const Nanoseconds window = packet.observation_point < settings_.windows.size()
                                   ? settings_.windows[packet.observation_point]
                                   : Nanoseconds{0};
    if (window == Nanoseconds{0} || ip.empty()) {
        return false;
    }
    const std::uint64_t print = print_of(ip, packet);
    const std::size_t sets = slots_.size() / ways;
    const auto set = slots_.subspan((print >> 1U) % sets * ways, ways);
    const auto within = [&](const Slot& slot) {
        return std::chrono::abs(packet.at - slot.at) <= window;
    };
    Slot* oldest = set.data();
    for (Slot& slot : set) {
        if (slot.print == print && within(slot)) {
            return true;
        }
        oldest = slot.at < oldest->at ? &slot : oldest;
    }
    forgotten_ += oldest->print != 0 && within(*oldest) ? 1U : 0U;
    *oldest = {.print = print, .at = packet.at};
    return false;
}

}  // namespace tapmeter::flow
