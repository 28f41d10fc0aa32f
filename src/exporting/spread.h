#pragma once

#include <cstdint>

namespace tapmeter::exporting {

// Spreads numbers that lie close together evenly over all 64 bits (the finalizer of SplitMix64,
// Steele et al. 2014).
constexpr std::uint64_t spread(std::uint64_t number) noexcept {
    number = (number ^ (number >> 30U)) * 0xbf58'476d'1ce4'e5b9;
    number = (number ^ (number >> 27U)) * 0x94d0'49bb'1331'11eb;
    return number ^ (number >> 31U);
}

}  // namespace tapmeter::exporting
