#pragma once

#include "pipeline/base/bytes.h"
#include "pipeline/base/packet.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/malformed.h"
#include "pipeline/decode/tunnel.h"

namespace tapmeter::decode {

// Limits that bound the time of a crafted frame.
inline constexpr unsigned vlan_tags_max = 4;
inline constexpr unsigned mpls_labels_max = 8;
inline constexpr unsigned extension_headers_max = 8;

// Walks a frame from the outside in, down to the transport header of the outermost IP packet.
// packet   frame as captured, its link type and its length on the wire
// returns  the headers; a frame that is no IP is no error: ip_version stays 0, non_ip says what
// errors   the first Undecoded met, from the layer that met it
Decoded<Headers> decode_frame(const Packet& packet) noexcept;

// The same, and on through tunnels to the innermost IP packet that can be read.
// tunnels  what was passed, and why not more; written in every case
// errors   as decode_frame(): nothing inside a tunnel makes a packet undecoded
Decoded<Headers> decode_innermost(const Packet& packet, Tunnels& tunnels) noexcept;

}  // namespace tapmeter::decode
