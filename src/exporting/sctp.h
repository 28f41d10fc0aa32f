#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "pipeline/base/result.h"
#include "src/exporting/stream_session.h"

namespace tapmeter::exporting {

// A message is one DATA chunk, and that one packet of a path of 1,500 octets, by IPv6 and inside
// of UDP too.
inline constexpr std::size_t sctp_message_octets_max = 1'420;

// An SCTP association to one Collector (RFC 7011 section 10.2), not begun yet.
// udp_port  at which the Collector takes SCTP inside of UDP; 0: it takes SCTP
// errors    invalid_config: this build has no SCTP
Result<std::unique_ptr<StreamSession>> open_sctp(const std::string& host, std::uint16_t port,
                                                 std::uint16_t udp_port);

}  // namespace tapmeter::exporting
