#pragma once

#include <nlohmann/json.hpp>

#include "src/metrics/families.h"
#include "src/metrics/law_sheet.h"
#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// Packets that are written to files, all of them or those that are recalled from the history: what
// becomes of them, by worker and at the writers.
nlohmann::ordered_json saving_json(const SavingBooks& books);
nlohmann::ordered_json history_json(const HistoryBooks& books);
nlohmann::ordered_json packet_files_json(const Snapshot& snapshot);  // null: none are written
nlohmann::ordered_json recalls_json(const Snapshot& snapshot);       // null: there is no history

// Families of a program that writes packets, or keeps them; none of one that does not.
void add_packet_files(const Snapshot& snapshot, Families& families);
void add_history(const Snapshot& snapshot, Families& families);

// The laws of one worker, and those of the writers.
void packet_file_laws(const Snapshot& snapshot, std::size_t worker, Sheet& sheet);
void packet_file_laws(const Snapshot& snapshot, Sheet& sheet);

}  // namespace tapmeter::metrics
