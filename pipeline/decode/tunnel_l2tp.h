#pragma once

#include "pipeline/decode/tunnel.h"

namespace tapmeter::decode {

// Reads a data message of L2TP: version 2 over UDP carries PPP; version 3 over UDP or IP carries
// what both ends agreed on, behind a cookie and a sublayer of lengths that they agreed on too, so
// that place is taken where Ethernet, PPP or IP of just the right length begins.
//
// rest     behind the UDP header, or behind the IP header; afterwards at what is carried
// returns  id: version 2: tunnel id << 16 | session id; version 3: session id. Always guessed.
// errors   truncated    the header runs past the packet
//          implausible  another version; version 3 with nothing that looks right behind it
//          no_ip        a control message
// source   RFC 2661 §3.1; RFC 3931 §4.1
TunnelRead read_l2tp_over_udp(Cursor& rest) noexcept;
TunnelRead read_l2tp_over_ip(Cursor& rest) noexcept;

}  // namespace tapmeter::decode
