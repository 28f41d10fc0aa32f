#pragma once

#include "pipeline/decode/cursor.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/malformed.h"

namespace tapmeter::decode {

// RFC 8200 §3.
inline constexpr std::size_t ipv6_header_octets = 40;

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
Decoded<void> read_ipv6(Cursor& rest, Headers& headers) noexcept;

}  // namespace tapmeter::decode
