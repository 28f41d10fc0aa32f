#pragma once

#include "pipeline/decode/tunnel.h"

namespace tapmeter::decode {

// Reads the tunnel header that a UDP port names: VXLAN, VXLAN-GPE, GENEVE with its options, LISP,
// Teredo, GTP-U, L2TP, GRE and MPLS in UDP. A port alone proves nothing: each header must hold
// what its version must hold, and `guessed` says that what it carries must look right as well.
//
// rest     at the UDP header; afterwards behind the tunnel's
// headers  the ports; the destination's means more than the source's
// errors   no_tunnel    neither port is a tunnel's
//          truncated    the headers run past the packet
//          implausible  the header is not what the port stands for
//          no_ip        a message of the tunnel's own; and CAPWAP, which carries 802.11
TunnelRead read_udp_tunnel(Cursor& rest, const Headers& headers) noexcept;

}  // namespace tapmeter::decode
