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

}  // namespace

Json saving_json(const SavingBooks& books) {
    return {{"wanted", json_of(books.wanted)},
            {"handed", json_of(books.handed)},
            {"refused", json_of(books.refused)}};
}

Json packet_files_json(const Snapshot& snapshot) {
    if (!snapshot.writer) {
        return nullptr;
    }
    const saving::WriterBooks& books = *snapshot.writer;
    return {{"taken", json_of(books.taken)},
            {"written", json_of(books.written)},
            {"buffered", json_of(books.buffered)},
            {"dropped", json_of(books.dropped)},
            {"files", books.files},
            {"file_octets", books.file_octets}};
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

}  // namespace tapmeter::metrics
