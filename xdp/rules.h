#pragma once

#include <cstdint>
#include <vector>

#include "xdp/prefix.h"

namespace tapmeter::xdp {

inline constexpr std::uint32_t sample_max = 1'000'000;

// What the XDP program leaves out before user space sees it.
struct PrefilterRules {
    std::vector<Prefix> excluded;  // source or destination; excluded_prefixes_max of each family
    std::vector<std::uint16_t> denied_ports;  // TCP and UDP, source or destination
    std::uint32_t sample = 1;                 // keep 1 frame in so many; 1 to sample_max
};

// The same rules sorted and without repetitions, so that two of them can be compared.
// errors   invalid_config: a limit above is passed, or a prefix that parse_prefix() never makes
Result<PrefilterRules> checked(PrefilterRules rules);

}  // namespace tapmeter::xdp
