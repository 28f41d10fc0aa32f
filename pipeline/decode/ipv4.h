#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "pipeline/decode/cursor.h"
#include "pipeline/decode/extension_headers.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/malformed.h"

namespace tapmeter::decode {

// Header without options; IHL = 5. RFC 791 §3.1.
inline constexpr std::size_t ipv4_header_octets_min = 20;
inline constexpr std::size_t ipv4_octets_per_word = 4;  // IHL counts 32-bit words
inline constexpr std::uint16_t ipv4_more_fragments_flag = 0x2000;
inline constexpr std::uint16_t ipv4_fragment_offset_mask = 0x1fff;

constexpr Fragment ipv4_fragment(std::uint16_t flags_and_offset) noexcept {
    if ((flags_and_offset & (ipv4_more_fragments_flag | ipv4_fragment_offset_mask)) == 0)
        [[likely]] {
        return Fragment::none;
    }
    return (flags_and_offset & ipv4_fragment_offset_mask) == 0 ? Fragment::first : Fragment::later;
}

inline constexpr std::uint32_t fragment_octets_per_unit = 8;  // RFC 791 §3.1, RFC 8200 §4.5

// All but its octets.
constexpr FragmentPart ipv4_fragment_part(
    std::span<const std::byte, ipv4_header_octets_min> header) noexcept {
    const std::uint16_t flags_and_offset = load_be16(header.subspan<6, 2>());
    return {.id = load_be16(header.subspan<4, 2>()),
            .offset = (flags_and_offset & ipv4_fragment_offset_mask) * fragment_octets_per_unit,
            .last = (flags_and_offset & ipv4_more_fragments_flag) == 0};
}

// An IPv4 address as an Address, in one masked copy of 16 octets: a 16-octet load of an address
// that was stored in pieces would wait for the stores to reach the cache.
// octets  the 16 octets of the header that end with the address
// to      its last four octets become the address, the others zero
inline void copy_ipv4_address(std::span<const std::byte, 16> octets, Address& to) noexcept {
#if defined(__SSE2__)
    __m128i whole;  // NOLINT(*-init-variables): written whole by the next line
    std::memcpy(&whole, octets.data(), sizeof(whole));
    whole = _mm_and_si128(whole, _mm_set_epi32(-1, 0, 0, 0));
    std::memcpy(to.data(), &whole, sizeof(whole));
#else
    to = {};
    std::memcpy(&to[12], octets.last<4>().data(), 4);
#endif
}

// Reads one IPv4 header, its options and the authentication headers behind it.
//
// rest     at the IP header; afterwards at the transport header, without link padding
// headers  gets addresses, protocol (behind AH), fragment and part, type of service, TTL, and
//          ip_octets: the Total Length, but never more than was on the wire, and all that was on
//          the wire where it is 0 (segmentation offload: seen before the NIC cut the packet)
// errors   truncated          fewer than 20 octets, or the options or an AH run past the frame
//          bad_version        the version field is not 4
//          bad_header_length  IHL < 5
//          bad_total_length   Total Length smaller than the header, or an AH shorter than itself
//          too_many_extension_headers  more AHs than extension_headers_max
// ignores  the header checksum: an observation point meters what crossed the wire, broken or not
// source   RFC 791 §3.1; AH RFC 4302 §2
[[gnu::always_inline]] inline Decoded<void> read_ipv4(Cursor& rest, Headers& headers) noexcept {
    if (!rest.holds(ipv4_header_octets_min)) {
        return malformed(Undecoded::truncated);
    }
    const std::size_t wire_octets = rest.wire_octets();
    const Bytes captured = rest.captured();
    // The only bounds check for the fixed part: from here every offset is checked by the compiler.
    const auto header = rest.take<ipv4_header_octets_min>();
    const std::uint8_t version_ihl = load_be8(header.subspan<0, 1>());
    if (version_ihl >> 4U != 4) {
        return malformed(Undecoded::bad_version);
    }
    const std::size_t header_octets = (version_ihl & 0x0fU) * ipv4_octets_per_word;
    if (header_octets < ipv4_header_octets_min) {
        return malformed(Undecoded::bad_header_length);
    }
    const std::size_t total_octets = load_be16(header.subspan<2, 2>());
    if (total_octets < header_octets && total_octets != 0) {
        return malformed(Undecoded::bad_total_length);
    }

    const std::size_t ip_octets =
        total_octets == 0 ? wire_octets : std::min(total_octets, wire_octets);
    // Ethernet pads short frames to 60 octets; without this cut the padding would be payload.
    rest.cut_to(ip_octets - ipv4_header_octets_min);
    if (!rest.holds(header_octets - ipv4_header_octets_min)) {
        return malformed(Undecoded::truncated);
    }
    rest.skip(header_octets - ipv4_header_octets_min);

    headers.ip_version = 4;
    headers.ip = captured.first(std::min(captured.size(), ip_octets));
    headers.ip_octets = static_cast<std::uint32_t>(ip_octets);
    headers.type_of_service = load_be8(header.subspan<1, 1>());
    headers.fragment = ipv4_fragment(load_be16(header.subspan<6, 2>()));
    headers.time_to_live = load_be8(header.subspan<8, 1>());
    headers.protocol = load_be8(header.subspan<9, 1>());
    copy_ipv4_address(header.subspan<0, 16>(), headers.source);
    copy_ipv4_address(header.subspan<4, 16>(), headers.destination);
    if (headers.fragment != Fragment::none) [[unlikely]] {
        headers.part = ipv4_fragment_part(header);
        headers.part.octets = static_cast<std::uint32_t>(rest.wire_octets());
    }
    if (headers.protocol != authentication_header) [[likely]] {
        return {};
    }
    Cursor moved = rest;
    const auto read = read_authentication_headers(moved, headers);
    rest = moved;
    return read;
}

}  // namespace tapmeter::decode
