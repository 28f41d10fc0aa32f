#pragma once

#include "pipeline/decode/cursor.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/malformed.h"
#include "pipeline/decode/network.h"

namespace tapmeter::decode {

// Reads PPP from the protocol field on; the field may be compressed to one octet.
//
// rest     at the protocol field; afterwards behind it, and behind the labels of PPP's MPLS
// headers  non_ip stays as the caller set it where the protocol is not IP
// errors   truncated and those of read_mpls
// source   RFC 1661 §2 and §6.5; RFC 1332 (IPv4), RFC 5072 (IPv6), RFC 3032 §4 (MPLS)
Decoded<Network> read_ppp(Cursor& rest, Headers& headers) noexcept;

// The same behind the address and control field of a tunnel's PPP, which both sides may have agreed
// to leave out (RFC 1661 §6.6).
Decoded<Network> read_ppp_frame(Cursor& rest, Headers& headers) noexcept;

// Reads a PPPoE header of the session stage, and the PPP behind it.
//
// rest     at the PPPoE header; its length field is ignored: IP has one of its own
// headers  gets the session id, and non_ip = pppoe where the session carries no IP
// errors   truncated and those of read_ppp
// source   RFC 2516 §4 and §6
Decoded<Network> read_pppoe_session(Cursor& rest, Headers& headers) noexcept;

}  // namespace tapmeter::decode
