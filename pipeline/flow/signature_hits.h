#pragma once

#include <array>
#include <cstdint>

namespace tapmeter::flow {

// Signatures that a flow hit; their words stand in the alerts.
struct SignatureHits {
    std::array<std::uint32_t, 8> sids{};  // the first different ones
    std::uint32_t matches = 0;            // of all, more than once too
    std::uint8_t sids_count = 0;
    std::array<std::uint8_t, 3> unused{};
};
static_assert(sizeof(SignatureHits) == 40);

}  // namespace tapmeter::flow
