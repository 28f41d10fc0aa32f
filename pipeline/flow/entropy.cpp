#include "pipeline/flow/entropy.h"

#include <algorithm>
#include <cmath>

namespace tapmeter::flow {

void Entropy::add(Bytes payload) noexcept {
    const Bytes fresh = payload.first(std::min<std::size_t>(payload.size(), octets_max - octets_));
    for (const std::byte octet : fresh) {
        ++counts_[std::to_integer<std::uint8_t>(octet)];
    }
    octets_ += static_cast<std::uint32_t>(fresh.size());
}

std::uint16_t Entropy::millibits() const noexcept {
    if (octets_ == 0) {
        return 0;
    }
    double sum = 0;
    for (const std::uint16_t count : counts_) {
        sum += count > 1 ? count * std::log2(static_cast<double>(count)) : 0.0;
    }
    const double all = octets_;
    constexpr double thousandths = 1'000;
    return static_cast<std::uint16_t>(
        std::lround(std::max(0.0, std::log2(all) - sum / all) * thousandths));
}

}  // namespace tapmeter::flow
