#pragma once

#include <cstdint>

#include "pipeline/decode/cursor.h"
#include "pipeline/decode/network.h"

namespace tapmeter::decode {

// Where nothing says for certain what follows (a UDP port is no proof, an MPLS label neither), the
// octets themselves must look like it. All of these may be wrong about crafted packets; then a
// flow is metered that somebody made look like one.

// An IP header with the right version, whose lengths agree with each other and promise no more
// than was on the wire.
// rest  at the header
bool looks_like_ip(Network network, const Cursor& rest) noexcept;

// An Ethernet header whose type is that of an IP packet that looks like one, of ARP, MPLS or
// PPPoE; behind VLAN tags or not.
// rest  at the destination address
bool looks_like_ethernet(const Cursor& rest) noexcept;

}  // namespace tapmeter::decode
