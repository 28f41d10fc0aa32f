#pragma once

#include "src/bench/made_traffic.h"

namespace tapmeter::bench {

// Reads request.file into memory, as often as it takes for packets_min (at most 512 MiB), each
// copy with addresses of its own, so that it makes flows of its own.
// errors  no_memory; io, where the file cannot be read, is damaged, or holds no packet
Result<Traffic> make_from_file(const TrafficRequest& request);

}  // namespace tapmeter::bench
