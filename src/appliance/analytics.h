#pragma once

#include "pipeline/flow/analytics.h"
#include "pipeline/flow/duplicates.h"
#include "pipeline/record_ring.h"
#include "src/config/config.h"

namespace tapmeter {

// What the configuration says of analytics and of copies, in the words of pipeline/flow/. The
// number of flow places is left to the caller.
// recorded  memory takes pages as it is touched
flow::Analytics::Settings analytics_settings(const Config& config, bool recorded);
flow::Duplicates::Settings duplicates_settings(const Config& config, bool recorded);

// Memory that both take at the start, of all workers together.
std::uint64_t analytics_octets(const Config& config, std::uint32_t workers);

// Slots of a ring to the exporter core for each kind of part of a record; a kind that is off has
// none.
// records  slots for records
std::array<std::size_t, RecordRing::kinds> part_slots(const Config& config, std::size_t records);

// Null where no group is on, and where copies are packets.
Result<std::unique_ptr<flow::Analytics>> make_analytics(const Config& config, bool recorded,
                                                        std::size_t flow_places);
Result<std::unique_ptr<flow::Duplicates>> make_duplicates(const Config& config, bool recorded,
                                                          const flow::HashKey& secret);

}  // namespace tapmeter
