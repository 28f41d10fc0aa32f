#pragma once

#include <string>

#include "pipeline/base/result.h"

namespace tapmeter::saving {

// Puts the packets of a closed pcapng file, one section of enhanced packet blocks as Blocks makes
// it, into the order of their times; those of one time keep theirs. A file in order stays as it is.
// Needs as much room beside the file for a moment, and 24 octets of memory a packet.
// errors  io  the file cannot be read, or none can be made beside it; it stays as it was
Result<void> put_in_time_order(const std::string& path);

}  // namespace tapmeter::saving
