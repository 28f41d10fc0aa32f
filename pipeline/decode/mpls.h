#pragma once

#include "pipeline/decode/cursor.h"
#include "pipeline/decode/headers.h"
#include "pipeline/decode/malformed.h"
#include "pipeline/decode/network.h"

namespace tapmeter::decode {

// Reads a stack of MPLS labels and guesses what is below it from the first nibble, as routers do
// for load balancing: 4 and 6 are IP; 0 is a pseudowire's control word and 1 its associated
// channel, which carry anything but IP.
//
// rest     at the first label; afterwards behind the last
// headers  gets non_ip = mpls where the nibble is neither 4 nor 6
// errors   truncated        the frame ends in the stack, or right below it
//          too_many_labels  more than mpls_labels_max
// source   RFC 3032 §2.1; RFC 4928 §3; RFC 4385 §3
Decoded<Network> read_mpls(Cursor& rest, Headers& headers) noexcept;

}  // namespace tapmeter::decode
