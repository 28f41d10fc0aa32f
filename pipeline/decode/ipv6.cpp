#include "pipeline/decode/ipv6.h"

#include <algorithm>

namespace tapmeter::decode {

std::size_t ipv6_payload_octets_of_zero(const Cursor& rest, std::uint8_t next_header) noexcept {
    if (next_header == no_next_header) {
        return 0;
    }
    const std::size_t wire_octets = rest.wire_octets();
    if (next_header != hop_by_hop_options) {
        return wire_octets;
    }
    const std::size_t jumbo_octets = jumbo_payload_octets(rest.captured()).value_or(wire_octets);
    return std::min(jumbo_octets, wire_octets);
}

}  // namespace tapmeter::decode
