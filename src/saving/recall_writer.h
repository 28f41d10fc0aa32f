#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/base/published.h"
#include "pipeline/recall.h"
#include "src/saving/packet_writer.h"

namespace tapmeter::saving {

// The account of the writer of recalls; published whole. `files` has the law of WriterBooks, over
// all files.
struct RecallBooks {
    WriterBooks files{};
    std::uint64_t open = 0;           // recalls, at this moment
    std::uint64_t closed = 0;         // with a file
    std::uint64_t empty = 0;          // no packet was theirs: without a file
    std::uint64_t commands_done = 0;  // of `closed` and `empty`: asked for by command
    std::uint64_t files_removed = 0;  // as others took their place
};

// Writes what recalls find to pcapng files, one a recall. A thread of its own, beside that of
// PacketWriter, with the same promises. A file is named FILE.part while it grows; where several
// workers had a hand in it, its packets are put in the order of their times when it is closed.
class RecallWriter {
public:
    struct Parts {
        std::string folder{};           // made where it is missing
        std::size_t files_max = 0;      // the oldest goes for one more; those of earlier runs count
        std::uint64_t file_octets = 0;  // of one file at most
        std::uint32_t snap_octets = 0;  // 0: no limit
        std::vector<SaveRing*> rings{};             // one a worker; outlive the writer
        std::vector<PacketWriter::Point> points{};  // as PacketWriter's, as the next two
        std::function<Blocks::Statistics(std::size_t point)> statistics{};
        exporting::LogLine log{};
        const ClockSteps* steps = nullptr;  // as PacketWriter's
    };

    // errors  io  the folder cannot be made or read
    static Result<std::unique_ptr<RecallWriter>> make(Parts parts);
    explicit RecallWriter(Parts parts);

    // The writer's thread: until told to stop; then what still waits is written.
    void run(const std::stop_token& stop);

    // Any thread.
    RecallBooks books() const noexcept { return published_.read(); }

private:
    struct Open {
        Recall recall{};
        std::string name;  // of its file, without the folder
        unsigned workers_ended = 0;
        unsigned workers_with_packets = 0;
        std::uint32_t last_ring = 0;  // 1 + that of the last packet; 0: none yet
        std::string reach;            // how far back each worker's history went
        std::unique_ptr<PacketWriter> writer;
    };

    std::int64_t in_time_of_day(std::int64_t observed_ns) const;
    Result<void> find_files();
    bool turn();
    void take_chunk(std::span<const std::byte> chunk, std::uint32_t ring);
    PacketWriter::Parts parts_of(const Recall& recall, const std::string& name);
    void begin(Bytes recall);
    void take(const SavedPacket& head, Bytes frame, std::uint32_t ring);
    void end(std::uint32_t number);
    void close(Open& open);
    void keep_file(const Open& open);
    std::string path_of(const std::string& name) const { return parts_.folder + "/" + name; }
    void write_out();
    void publish();

    Parts parts_;
    exporting::RateLimitedLog log_;
    std::map<std::uint32_t, Open> open_;  // by number; bounded by what workers let be open
    std::deque<std::string> files_;       // names, the oldest first
    RecallBooks books_{};                 // without those that are open
    Published<RecallBooks> published_;
};

// What a recall was for, for people: "alert 1:2000001:1, flow TCP 192.0.2.1:80 - 192.0.2.7:1234".
// Of a filter, while it is the writer's or the control side's.
std::string words_of(const Recall& recall);

}  // namespace tapmeter::saving
