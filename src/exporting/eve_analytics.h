#pragma once

#include "pipeline/record_ring.h"

namespace tapmeter::exporting {

// Most octets of what write_analytics() writes.
inline constexpr std::size_t analytics_octets_max = 5'120;

// The members of the object of our own that speak of a record's reports, each with the comma before
// it: `,"rtt_client_us":410,...,"tcp":{...},"tunnel":{...},"behaviour":{...},"entropy":{...},
// "rtp":{...},"dns_times":{...}`; nothing where there
// is none. Counts that are 0 are left out of the inner objects. Returns the end.
char* write_analytics(char* to, const RecordRing::Parts& beside) noexcept;

// The same for the flat format: `,"tcpLostSegmentDeltaCount":2,...`, every field of the reports
// that there are, under the names of tapmeter-fields(7).
char* write_flat_reports(char* to, const RecordRing::Parts& beside) noexcept;

}  // namespace tapmeter::exporting
