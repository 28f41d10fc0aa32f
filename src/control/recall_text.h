#pragma once

#include <string>
#include <string_view>

#include "pipeline/base/result.h"
#include "src/control/instance.h"
#include "src/metrics/snapshot.h"

namespace tapmeter::control {

// Reads what to recall: one JSON object with either `host`, an address, or `filter`, an expression
// of tcpdump's that is not compiled here, or the five members of a flow: protocol (tcp, udp, icmp,
// icmpv6, sctp or a number), source, source_port, destination, destination_port; ports may be left
// out where the protocol has none.
// errors  invalid_config: not JSON, a member unknown, missing, of the wrong type or out of range;
//         the message says which, and what would be right
Result<RecallRequest> parse_recall(std::string_view json);

// What is kept, and what became of recalls. snapshot  with `recalls`
std::string recalls_as_json(const metrics::Snapshot& snapshot);
std::string recalls_as_text(const metrics::Snapshot& snapshot);
std::string recalls_as_csv(const metrics::Snapshot& snapshot);

}  // namespace tapmeter::control
