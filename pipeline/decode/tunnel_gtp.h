#pragma once

#include "pipeline/decode/tunnel.h"

namespace tapmeter::decode {

// Extension headers that are passed; a chain of more is nobody's.
inline constexpr unsigned gtp_extension_headers_max = 8;

// Reads a header of GTP-U version 1 with its optional fields and extension headers.
//
// rest     behind the UDP header; afterwards at the packet that the tunnel carries
// returns  id: the TEID; always guessed
// errors   truncated    the headers run past the packet
//          implausible  another version, or an extension header of no length or one too many
//          no_ip        another message than a G-PDU, or a payload that is no IP
// source   3GPP TS 29.281 §5
TunnelRead read_gtp_u(Cursor& rest) noexcept;

}  // namespace tapmeter::decode
