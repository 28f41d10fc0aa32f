#pragma once

#include "pipeline/decode/cursor.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/malformed.h"

namespace tapmeter::decode {

// Header without options; IHL = 5. RFC 791 §3.1.
inline constexpr std::size_t ipv4_header_octets_min = 20;

// Reads one IPv4 header, its options and the authentication headers behind it.
//
// rest     at the IP header; afterwards at the transport header, without link padding
// headers  gets addresses, protocol (behind AH), fragment, type of service, TTL, and ip_octets:
//          the Total Length, but never more than was on the wire, and all that was on the wire
//          where it is 0 (a sender's segmentation offload seen before the NIC cut the packet)
// errors   truncated          fewer than 20 octets, or the options or an AH run past the frame
//          bad_version        the version field is not 4
//          bad_header_length  IHL < 5
//          bad_total_length   Total Length smaller than the header, or an AH shorter than itself
//          too_many_extension_headers  more AHs than extension_headers_max
// ignores  the header checksum: an observation point meters what crossed the wire, broken or not
// source   RFC 791 §3.1; AH RFC 4302 §2
Decoded<void> read_ipv4(Cursor& rest, Headers& headers) noexcept;

}  // namespace tapmeter::decode
