#pragma once

#include "pipeline/decode/cursor.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/malformed.h"

namespace tapmeter::decode {

// Reads the transport header that headers.protocol names, as far as it is there.
//
// rest     at the transport header, without link padding
// headers  gets ports (TCP, UDP, UDP-Lite, DCCP, SCTP), TCP control bits, ICMP type and code, the
//          SPI of ESP, the view on transport, and payload: what follows the header as captured.
//          The payload is empty where the header is cut behind the ports or where its own length
//          cannot be true; the flow is kept. A protocol without a header of ours, and a later
//          fragment, are all payload.
// errors   truncated  the packet ends before the ports, or before the ICMP type and code
// source   RFC 9293 §3.1; RFC 768; RFC 3828; RFC 4340 §5.1; RFC 9260 §3.1; RFC 792; RFC 4443 §2.1
Decoded<void> read_transport(const Cursor& rest, Headers& headers) noexcept;

}  // namespace tapmeter::decode
