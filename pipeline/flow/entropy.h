#pragma once

#include <array>
#include <cstdint>

#include "pipeline/base/bytes.h"

namespace tapmeter::flow {

// How evenly the octet values of a payload are spread: Shannon's entropy of the first octets_max
// octets, exactly,
//     H = log2(n) - (1/n) * sum over all values v of c(v) * log2(c(v))     bits per octet
// where c(v) of the n octets are v. 0: all are the same; 8: each value is as frequent as any.
// Of few octets it is low whatever they are: at most log2(n). Encrypted or compressed payloads of
// 1,024 octets have 7.80 to 7.85, of 4,096 about 7.95, text 4 to 5.
class Entropy {
public:
    static constexpr std::uint32_t octets_max = 4'096;

    bool is_full() const noexcept { return octets_ == octets_max; }
    void add(Bytes payload) noexcept;

    std::uint32_t octets() const noexcept { return octets_; }
    // In thousandths of a bit per octet, rounded: 0 to 8,000.
    std::uint16_t millibits() const noexcept;

private:
    std::uint32_t octets_ = 0;
    std::array<std::uint16_t, 256> counts_{};
};

}  // namespace tapmeter::flow
