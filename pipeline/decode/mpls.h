#pragma once

#include "pipeline/decode/cursor.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/malformed.h"
#include "pipeline/decode/network.h"

namespace tapmeter::decode {

// Reads a stack of MPLS labels and guesses what is below it from the first nibble, as routers do
// for load balancing: 4 and 6 are IP; 1 is an associated channel; all else is an Ethernet
// pseudowire, with a control word where the nibble is 0, if what follows looks like Ethernet.
//
// rest     at the first label; afterwards behind the last, or at the pseudowire's Ethernet header
// headers  gets the labels, and non_ip = mpls where there is neither IP nor Ethernet
// errors   truncated        the frame ends in the stack, or right below it
//          too_many_labels  more than mpls_labels_max
// source   RFC 3032 §2.1; RFC 4928 §3; RFC 4385 §3; RFC 4448 §3
Decoded<Network> read_mpls(Cursor& rest, Headers& headers) noexcept;

}  // namespace tapmeter::decode
