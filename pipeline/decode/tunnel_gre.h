#pragma once

#include "pipeline/decode/tunnel.h"

namespace tapmeter::decode {

// Reads a GRE header, with checksum, key and sequence number as its flags say, and what stands in
// GRE and has a header of its own: ERSPAN of all three types, Cisco's cache redirection; or, where
// the version is 1, PPTP's.
//
// rest     at the GRE header; afterwards behind it and behind ERSPAN's
// returns  id: the key, of NVGRE its upper 24 bits, of ERSPAN the session, of PPTP the call
// errors   truncated    the headers run past the packet
//          implausible  a version other than 0 and 1, source routes, ERSPAN of another version
//          no_ip        PPTP without payload
// source   RFC 2784 §2; RFC 2890 §2; RFC 7637 §3.2; RFC 2637 §4.1; draft-foschiano-erspan §4
TunnelRead read_gre(Cursor& rest) noexcept;

}  // namespace tapmeter::decode
