#pragma once

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/extract/context.h"

namespace tapmeter::inspect::extract {

// SMB 1 and 2 ([MS-CIFS], [MS-SMB2]), each message behind the four octets of its transport (RFC
// 1002 §4.3.1): the dialect that the server chose; where bodies are wanted, the octets of files as
// they are written and read, each request or answer by itself.
Read read_smb(Bytes unread, bool last, Place& place, Context& context) noexcept;

}  // namespace tapmeter::inspect::extract
