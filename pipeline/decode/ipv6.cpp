#include "pipeline/decode/ipv6.h"

#include <algorithm>
#include <cstring>

#include "pipeline/decode/extension_headers.h"

namespace tapmeter::decode {

namespace {

constexpr std::size_t address_octets = 16;

// Payload Length 0 means that the length stands elsewhere, or nowhere.
// rest     behind the fixed header
// returns  octets behind the fixed header, at most what was on the wire
std::size_t payload_octets_of_zero(const Cursor& rest, std::uint8_t next_header) noexcept {
    if (next_header == no_next_header) {
        return 0;
    }
    const std::size_t wire_octets = rest.wire_octets();
    if (next_header != hop_by_hop_options) {
        return wire_octets;
    }
    return std::min<std::size_t>(jumbo_payload_octets(rest.captured()).value_or(wire_octets),
                                 wire_octets);
}

}  // namespace

Decoded<void> read_ipv6(Cursor& rest, Headers& headers) noexcept {
    const auto header = rest.take<ipv6_header_octets>();
    if (!header) {
        return malformed(Undecoded::truncated);
    }
    const std::uint16_t version_and_class = load_be16(header->subspan<0, 2>());
    if (version_and_class >> 12U != 6) {
        return malformed(Undecoded::bad_version);
    }
    headers.protocol = load_be8(header->subspan<6, 1>());
    std::size_t payload_octets = load_be16(header->subspan<4, 2>());
    if (payload_octets == 0) [[unlikely]] {
        payload_octets = payload_octets_of_zero(rest, headers.protocol);
    }
    rest.cut_to(payload_octets);

    headers.ip_version = 6;
    headers.ip_octets = static_cast<std::uint32_t>(ipv6_header_octets + rest.wire_octets());
    headers.type_of_service = static_cast<std::uint8_t>(version_and_class >> 4U);
    headers.time_to_live = load_be8(header->subspan<7, 1>());
    std::memcpy(headers.source.data(), header->subspan<8, address_octets>().data(), address_octets);
    std::memcpy(headers.destination.data(), header->subspan<24, address_octets>().data(),
                address_octets);
    if (is_extension_header(headers.protocol)) [[unlikely]] {
        return read_extension_headers(rest, headers);
    }
    return {};
}

}  // namespace tapmeter::decode
