#pragma once

#include <nlohmann/json_fwd.hpp>

#include "src/metrics/families.h"
#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// Applications that have a series of their own; what the others carried is summed as "other".
inline constexpr std::size_t applications_shown_max = 50;

// What inspection did, and what each application carried.
void add_applications(const Snapshot& snapshot, Families& families);

// Of one account of books.
nlohmann::ordered_json inspection_json(const inspect::InspectionBooks& books);

}  // namespace tapmeter::metrics
