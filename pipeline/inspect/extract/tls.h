#pragma once

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/extract/context.h"

namespace tapmeter::inspect::extract {

// Reads one direction of TLS (RFC 8446, RFC 5246) from the start of a record: hellos and, up to
// TLS 1.2, the server's certificate. SSL 2 hellos are left alone.
//
// unread   everything from the first octet not yet consumed
// last     nothing follows: a message that is not whole is read as far as it goes
// returns  octets consumed, and done once the direction is encrypted or is no TLS
Read read_tls(Bytes unread, bool last, Place& place, Context& context) noexcept;

}  // namespace tapmeter::inspect::extract
