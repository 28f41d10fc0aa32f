#pragma once

#include <nlohmann/json.hpp>

#include "src/metrics/families.h"
#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// Packets that are written to files: what becomes of them, by worker and at the writer.
nlohmann::ordered_json saving_json(const SavingBooks& books);
nlohmann::ordered_json packet_files_json(const Snapshot& snapshot);  // null: none are written

// Families of a program that writes packets; none of one that does not.
void add_packet_files(const Snapshot& snapshot, Families& families);

}  // namespace tapmeter::metrics
