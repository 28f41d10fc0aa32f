#pragma once

#include <cstdint>
#include <optional>

#include "pipeline/decode/cursor.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/malformed.h"

namespace tapmeter::decode {

// IANA's protocol numbers that are IPv6 extension headers (RFC 7045 §4). ESP is one too, but
// nothing behind it can be read, so it ends the walk as a protocol.
inline constexpr std::uint8_t hop_by_hop_options = 0;
inline constexpr std::uint8_t routing_header = 43;
inline constexpr std::uint8_t fragment_header = 44;
inline constexpr std::uint8_t authentication_header = 51;
inline constexpr std::uint8_t no_next_header = 59;
inline constexpr std::uint8_t destination_options = 60;
inline constexpr std::uint8_t mobility_header = 135;
inline constexpr std::uint8_t host_identity = 139;
inline constexpr std::uint8_t shim6 = 140;

constexpr bool is_extension_header(std::uint8_t protocol) noexcept {
    switch (protocol) {
        case hop_by_hop_options:
        case routing_header:
        case fragment_header:
        case authentication_header:
        case destination_options:
        case mobility_header:
        case host_identity:
        case shim6:
            return true;
        default:
            return false;
    }
}

// Walks IPv6 extension headers.
//
// rest     at the header that headers.protocol names; afterwards at the transport header, or at
//          the data of a later fragment
// headers  protocol becomes the one behind the chain; fragment is set where there is a fragment
//          header. A mobility, host identity or shim6 header with nothing behind it is a message
//          in its own right: it stays the protocol, and `rest` stays at it.
// errors   truncated         a header runs past the packet
//          bad_total_length  an authentication header shorter than its fixed part
//          too_many_extension_headers  more than extension_headers_max
// source   RFC 8200 §4; AH RFC 4302 §2; mobility RFC 6275 §6.1; HIP RFC 7401 §5.1; shim6 RFC 5533
Decoded<void> read_extension_headers(Cursor& rest, Headers& headers) noexcept;

// The same for IPv4, where AH is the only header of this kind.
// headers  protocol is that of AH. It stays so in later fragments: what AH covers is not there.
Decoded<void> read_authentication_headers(Cursor& rest, Headers& headers) noexcept;

// The length in the Jumbo Payload option of a hop-by-hop header (RFC 2675 §2).
// octets   from the first octet of that header
// returns  octets behind the IPv6 header; nothing where there is no such option
std::optional<std::uint32_t> jumbo_payload_octets(Bytes octets) noexcept;

}  // namespace tapmeter::decode
