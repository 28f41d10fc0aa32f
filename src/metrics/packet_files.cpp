#include "src/metrics/packet_files.h"

#include "src/metrics/totals.h"

namespace tapmeter::metrics {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const SavedTotals& totals) {
    return {{"packets", totals.packets}, {"octets", totals.octets}};
}

Json json_of(const std::array<SavedTotals, not_written_reasons>& totals) {
    Json object = Json::object();
    for (std::size_t i = 0; i < totals.size(); ++i) {
        object[std::string(not_written_names[i])] = json_of(totals[i]);
    }
    return object;
}

// Of what a worker hands to a writer; published whole.
void saving_laws(const SavingBooks& books, Sheet& sheet) {
    SavedTotals found = books.handed;
    for (const SavedTotals& refused : books.refused) {
        found += refused;
    }
    sheet.law("packets", books.wanted.packets, found.packets);
    sheet.law("octets", books.wanted.octets, found.octets);
}

void written_laws(const saving::WriterBooks& writer, Sheet& sheet) {
    SavedTotals found = writer.written;
    found += writer.buffered;
    for (const SavedTotals& dropped : writer.dropped) {
        found += dropped;
    }
    sheet.law("packets", writer.taken.packets, found.packets);
    sheet.law("octets", writer.taken.octets, found.octets);
}

// Chunks wait in the rings, and are full before the books that speak of them are published.
void handed_laws(const SavedTotals& handed, const saving::WriterBooks& writer, Sheet& sheet) {
    const Allowance in_rings{.late = unbounded, .early = unbounded};
    sheet.law("packets", handed.packets, writer.taken.packets, in_rings);
    sheet.law("octets", handed.octets, writer.taken.octets, in_rings);
}

Json writer_json(const saving::WriterBooks& books) {
    return {{"taken", json_of(books.taken)},
            {"written", json_of(books.written)},
            {"buffered", json_of(books.buffered)},
            {"dropped", json_of(books.dropped)},
            {"files", books.files},
            {"file_octets", books.file_octets}};
}

}  // namespace

Json saving_json(const SavingBooks& books) {
    return {{"wanted", json_of(books.wanted)},
            {"handed", json_of(books.handed)},
            {"refused", json_of(books.refused)}};
}

Json history_json(const HistoryBooks& books) {
    return {{"held", json_of(books.held)},
            {"oldest_ns", books.oldest_ns},
            {"not_held", books.not_held},
            {"begun", books.begun},
            {"ended", books.ended},
            {"open", books.open},
            {"joined", books.joined},
            {"turned_away", books.turned_away},
            {"recalled", saving_json(books.recalled)}};
}

Json packet_files_json(const Snapshot& snapshot) {
    if (!snapshot.writer) {
        return nullptr;
    }
    return writer_json(*snapshot.writer);
}

Json recalls_json(const Snapshot& snapshot) {
    if (!snapshot.recalls) {
        return nullptr;
    }
    const saving::RecallBooks& books = *snapshot.recalls;
    return {{"open", books.open},
            {"closed", books.closed},
            {"empty", books.empty},
            {"files_removed", books.files_removed},
            {"files", writer_json(books.files)}};
}

void packet_file_laws(const Snapshot& snapshot, std::size_t worker, Sheet& sheet) {
    const WorkerBooks& books = snapshot.workers[worker].books;
    const std::string name = "worker " + std::to_string(worker);
    if (snapshot.writer) {
        sheet.about(name, "saving", "packets to be written = handed to the writer + refused");
        saving_laws(books.saving, sheet);
    }
    if (snapshot.recalls) {
        sheet.about(name, "recalled", "packets recalled = handed to their writer + refused");
        saving_laws(books.history.recalled, sheet);
        sheet.about(name, "recalls", "recalls begun = ended + open");
        sheet.law("recalls", books.history.begun, books.history.ended + books.history.open);
    }
}

void packet_file_laws(const Snapshot& snapshot, Sheet& sheet) {
    const WorkerBooks all = all_workers(snapshot);
    if (snapshot.writer) {
        sheet.about("packet files", "written", "taken = written + buffered + dropped");
        written_laws(*snapshot.writer, sheet);
        sheet.about("packet files", "handed", "handed over by the workers = taken by the writer");
        handed_laws(all.saving.handed, *snapshot.writer, sheet);
    }
    if (snapshot.recalls) {
        const saving::WriterBooks& writer = snapshot.recalls->files;
        sheet.about("recalls", "recall_written", "taken = written + buffered + dropped");
        written_laws(writer, sheet);
        sheet.about("recalls", "recall_handed", "handed over by the workers = taken by the writer");
        handed_laws(all.history.recalled.handed, writer, sheet);
    }
}

void add_packet_files(const Snapshot& snapshot, Families& families) {
    if (!snapshot.writer) {
        return;
    }
    const saving::WriterBooks& writer = *snapshot.writer;
    const SavingBooks saving = all_workers(snapshot).saving;
    std::array<std::uint64_t, not_written_reasons> not_written{};
    for (std::size_t i = 0; i < not_written.size(); ++i) {
        not_written[i] = saving.refused[i].packets + writer.dropped[i].packets;
    }
    families.counter("tapmeter_packets_to_write_total", "Packets that were to be written to files.")
        .add({}, saving.wanted.packets);
    families.counter("tapmeter_packets_written_total", "Packets in files.")
        .add({}, writer.written.packets);
    families.counter("tapmeter_packets_not_written_total",
                     "Packets that were to be written and are not, by the reason.");
    families.add_each({}, "reason", not_written, not_written_names);
    families.counter("tapmeter_packet_files_total", "Packet files that were begun.")
        .add({}, writer.files);
    families.counter("tapmeter_packet_file_bytes_total", "Bytes in packet files.")
        .add({}, writer.file_octets);
}

void add_history(const Snapshot& snapshot, Families& families) {
    if (!snapshot.recalls) {
        return;
    }
    const saving::RecallBooks& writer = *snapshot.recalls;
    const HistoryBooks history = all_workers(snapshot).history;
    std::array<std::uint64_t, not_written_reasons> not_written{};
    for (std::size_t i = 0; i < not_written.size(); ++i) {
        not_written[i] = history.recalled.refused[i].packets + writer.files.dropped[i].packets;
    }
    families.gauge("tapmeter_history_packets", "Packets that are kept in memory.")
        .add({}, history.held.packets);
    families.gauge("tapmeter_history_bytes", "Bytes of packets that are kept in memory.")
        .add({}, history.held.octets);
    families
        .gauge("tapmeter_history_oldest_timestamp_seconds",
               "Time of the oldest packet that is kept; 0: none is.")
        .add({}, static_cast<double>(history.oldest_ns) / 1e9);
    families.gauge("tapmeter_recalls_open", "Recalls under way.").add({}, writer.open);
    families.counter("tapmeter_recalls_total", "Recalls, by what became of them.")
        .add({{"result", "file"}}, writer.closed)
        .add({{"result", "empty"}}, writer.empty)
        .add({{"result", "joined"}}, history.joined)
        .add({{"result", "turned_away"}}, history.turned_away);
    families.counter("tapmeter_packets_recalled_total", "Packets that were recalled.")
        .add({}, history.recalled.wanted.packets);
    families.counter("tapmeter_packets_recalled_written_total", "Of them, in files.")
        .add({}, writer.files.written.packets);
    families.counter("tapmeter_packets_recalled_lost_total",
                     "Of them, those that are in no file, by the reason.");
    families.add_each({}, "reason", not_written, not_written_names);
    families.counter("tapmeter_recall_files_removed_total", "Files that made room for others.")
        .add({}, writer.files_removed);
}

}  // namespace tapmeter::metrics
