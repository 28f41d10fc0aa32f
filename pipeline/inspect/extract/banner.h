#pragma once

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/extract/context.h"

namespace tapmeter::inspect::extract {

// Identification string of one side of SSH (RFC 4253 §4.2). A server may send other lines first.
Read read_ssh(Bytes unread, bool last, Place& place, Context& context) noexcept;

// First line of an SMTP or FTP server: three digits and text (RFC 5321 §4.2, RFC 959 §4.2).
Read read_greeting(Bytes unread, bool last, Place& place, Context& context) noexcept;

}  // namespace tapmeter::inspect::extract
