#pragma once

#include <string>

#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// The books for a reader at a terminal: a balance sheet from the wire to the outputs. Counters
// that may be zero for good reason are shown only when they are not; the last line says "the
// books balance", or names every broken law with both sides.
std::string books_as_text(const Snapshot& snapshot);

// The books as one JSON object: every counter of every account, and every law with both sides.
// Member names are stable; numbers are raw (packets, octets, seconds).
std::string books_as_json(const Snapshot& snapshot);

// The same as CSV (RFC 4180), one counter a line: account,member,counter,value.
std::string books_as_csv(const Snapshot& snapshot);

// Where the load is: busy ratio of each worker, flow tables, rings, outputs. Totals since start; a
// rate needs two looks, so it is the caller's to compute.
std::string stats_as_text(const Snapshot& snapshot);
std::string stats_as_json(const Snapshot& snapshot);
std::string stats_as_csv(const Snapshot& snapshot);

}  // namespace tapmeter::metrics
