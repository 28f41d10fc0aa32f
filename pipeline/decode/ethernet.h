#pragma once

#include <cstdint>

#include "pipeline/decode/cursor.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/malformed.h"
#include "pipeline/decode/network.h"

namespace tapmeter::decode {

// The least value of a type field that is a type and not a length. IEEE 802.3 §3.2.6.
inline constexpr std::uint16_t ethertype_min = 0x600;

// Reads an Ethernet header and all that may stand between it and IP: VLAN tags, an IEEE 802.2
// header behind a length, MPLS labels, PPPoE.
//
// rest     at the destination address; afterwards at the IP header where there is one
// headers  gets vlan and customer_vlan, and non_ip where there is no IP
// errors   truncated        the frame ends inside one of these headers
//          too_many_tags    more than vlan_tags_max
//          too_many_labels  more than mpls_labels_max
// source   IEEE 802.3 §3.2.6; IEEE 802.1Q §9; RFC 1042; RFC 2516; RFC 3032
Decoded<Network> read_ethernet(Cursor& rest, Headers& headers) noexcept;

// The same from behind the Ethernet header, for every link layer that names what it carries by an
// ethertype.
// type  the ethertype, or below 1536 the octets of an 802.2 frame (IEEE 802.3 §3.2.6)
Decoded<Network> read_ethertype(std::uint16_t type, Cursor& rest, Headers& headers) noexcept;

// Reads an IEEE 802.2 header: IP behind SNAP (RFC 1042) or behind IP's own SAP, else non_ip = llc.
Decoded<Network> read_llc(Cursor& rest, Headers& headers) noexcept;

}  // namespace tapmeter::decode
