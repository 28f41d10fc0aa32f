#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "pipeline/decode/cursor.h"
#include "pipeline/decode/extension_headers.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/malformed.h"

namespace tapmeter::decode {

// RFC 8200 §3.
inline constexpr std::size_t ipv6_header_octets = 40;

// What a Payload Length of 0 means: the length stands elsewhere, or nowhere.
// rest         behind the fixed header
// next_header  what the fixed header says
// returns      octets behind the fixed header, at most what was on the wire
std::size_t ipv6_payload_octets_of_zero(const Cursor& rest, std::uint8_t next_header) noexcept;

// Reads one IPv6 header and the extension headers behind it.
//
// rest     at the IP header; afterwards at the transport header, without link padding
// headers  gets addresses as the fixed header has them (a routing header changes nothing),
//          protocol (behind the extension headers), fragment, type of service, hop limit, and
//          ip_octets: 40 + Payload Length, or 40 + Jumbo Payload Length, but never more than was
//          on the wire; a Payload Length of 0 without the jumbo option takes all that was on the
//          wire (segmentation offload), unless there is no next header
// errors   truncated          fewer than 40 octets, or an extension header runs past the frame
//          bad_version        the version field is not 6
//          bad_total_length   an AH shorter than itself
//          too_many_extension_headers  more than extension_headers_max
// source   RFC 8200 §3 and §4; jumbograms RFC 2675 §2
[[gnu::always_inline]] inline Decoded<void> read_ipv6(Cursor& rest, Headers& headers) noexcept {
    if (!rest.holds(ipv6_header_octets)) {
        return malformed(Undecoded::truncated);
    }
    const Bytes captured = rest.captured();
    const auto header = rest.take<ipv6_header_octets>();
    const std::uint16_t version_and_class = load_be16(header.subspan<0, 2>());
    if (version_and_class >> 12U != 6) {
        return malformed(Undecoded::bad_version);
    }
    headers.protocol = load_be8(header.subspan<6, 1>());
    std::size_t payload_octets = load_be16(header.subspan<4, 2>());
    if (payload_octets == 0) [[unlikely]] {
        const Cursor behind = rest;  // a copy, so that `rest` itself never needs an address
        payload_octets = ipv6_payload_octets_of_zero(behind, headers.protocol);
    }
    rest.cut_to(payload_octets);

    headers.ip_version = 6;
    headers.ip = captured.first(ipv6_header_octets + rest.captured().size());
    headers.ip_octets = static_cast<std::uint32_t>(ipv6_header_octets + rest.wire_octets());
    headers.type_of_service = static_cast<std::uint8_t>(version_and_class >> 4U);
    headers.time_to_live = load_be8(header.subspan<7, 1>());
    std::memcpy(headers.source.data(), header.subspan<8, 16>().data(), 16);
    std::memcpy(headers.destination.data(), header.subspan<24, 16>().data(), 16);
    if (!is_extension_header(headers.protocol)) [[likely]] {
        return {};
    }
    Cursor moved = rest;
    const auto read = read_extension_headers(moved, headers);
    rest = moved;
    return read;
}

}  // namespace tapmeter::decode
