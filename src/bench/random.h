#pragma once

#include <array>
#include <cstdint>

namespace tapmeter::bench {

// SplitMix64's finaliser (Steele, Lea, Flood 2014): every number becomes another one, and no two
// the same, so numbered things look random and stay distinct.
constexpr std::uint64_t stirred(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30U)) * 0xbf58'476d'1ce4'e5b9;
    value = (value ^ (value >> 27U)) * 0x94d0'49bb'1331'11eb;
    return value ^ (value >> 31U);
}

// The same numbers on every machine; the seed decides.
class Random {
public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept { return stirred(state_ += 0x9e37'79b9'7f4a'7c15); }

    // 0 to limit - 1; limit is at most 2^32.
    std::uint64_t below(std::uint64_t limit) noexcept { return ((next() >> 32U) * limit) >> 32U; }

private:
    std::uint64_t state_;
};

// A frame of the Internet mix that testers agreed on ("simple IMIX"): of 12 frames seven have 64
// octets, four 594, one 1518, with FCS. Returns octets without FCS.
inline std::uint32_t imix_frame_octets(Random& random) noexcept {
    constexpr std::array<std::uint32_t, 12> mix{60, 60,  60,  60,  60,  60,
                                                60, 590, 590, 590, 590, 1'514};
    return mix[random.below(mix.size())];
}

}  // namespace tapmeter::bench
