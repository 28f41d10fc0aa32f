#pragma once

#include "pipeline/base/packet.h"
#include "pipeline/decode/cursor.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/malformed.h"
#include "pipeline/decode/network.h"

namespace tapmeter::decode {

// Reads the headers of a link layer, whichever a capture file names, down to IP.
//
// link     what the first octet belongs to
// rest     at the first octet of the frame; afterwards at the IP header where there is one
// headers  gets what the link layer knows: VLAN ids, and non_ip where there is no IP
// errors   unknown_link_type  we do not read this link layer
//          bad_version        raw IP whose version is neither 4 nor 6
//          truncated and those of read_ethernet
// source   the LINKTYPE_ registry of the pcap format; RFC 1661, RFC 1662 (PPP)
Decoded<Network> read_link(LinkType link, Cursor& rest, Headers& headers) noexcept;

}  // namespace tapmeter::decode
