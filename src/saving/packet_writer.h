#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/base/clock.h"
#include "pipeline/base/published.h"
#include "pipeline/base/result.h"
#include "pipeline/base/source.h"
#include "pipeline/save_ring.h"
#include "src/exporting/descriptor.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/rate_limited_log.h"
#include "src/saving/blocks.h"
#include "src/saving/compressor.h"
#include "src/saving/joined_rings.h"
#include "src/saving/rotation.h"

namespace tapmeter::saving {

// The writer's account; published whole:
//     taken = written + dropped{reason} + buffered
struct WriterBooks {
    SavedTotals taken{};  // from the workers' rings
    SavedTotals written{};
    SavedTotals buffered{};  // on their way to the file
    std::array<SavedTotals, not_written_reasons> dropped{};
    std::uint64_t files = 0;        // that were begun
    std::uint64_t file_octets = 0;  // written to them in all
};

// Writes the packets of all workers to pcapng files. A thread of its own: it takes packets from the
// workers' rings as they come, and neither a slow disk nor a full one holds a worker up. Packets of
// one worker keep their order; those of several are joined by time (joined_rings.h).
//
// A file that is cut off at any octet, as by a crash, is readable up to there: no block refers to a
// later one. When the disk is full the file ends behind the last whole block, packets are counted,
// and writing goes on as soon as there is room.
class PacketWriter {
public:
    struct Point {
        std::string name;
        std::string filter;
    };
    struct Parts {
        Rotation::Settings rotation;
        std::uint32_t snap_octets = 0;  // 0: no limit
        bool compress = false;
        std::vector<SaveRing*> rings;  // one a worker; outlive the writer
        std::vector<Point> points;     // observation points
        // Any thread: what became of a point's packets in front of us, and by what names packets
        // were not written.
        std::function<Blocks::Statistics(std::size_t point)> statistics;
        exporting::LogLine log;
        std::string about{};  // stands in each file, for people; empty: nothing
        // By which the times of packets are moved; null: they stay. Outlives the writer.
        const ClockSteps* steps = nullptr;
    };

    // Begins the first file, where its name does not depend on the first packet.
    // errors  io  no file can be made there
    static Result<std::unique_ptr<PacketWriter>> make(Parts parts);
    explicit PacketWriter(Parts parts);
    ~PacketWriter();
    PacketWriter(const PacketWriter&) = delete;
    PacketWriter& operator=(const PacketWriter&) = delete;

    // The writer's thread: until told to stop; then what still waits is written and the file
    // closed.
    void run(const std::stop_token& stop);

    // Instead of run(), for a thread that brings packets itself: one packet; what was taken goes
    // into the file; books() tells it; no packet comes any more.
    void take(const SavedPacket& head, Bytes frame);
    void write_out();
    void show() noexcept { publish(); }
    void finish();
    // Of the file at hand, what waits for it included.
    std::uint64_t file_octets() const noexcept { return file_octets_ + blocks_.octets().size(); }

    // Any thread.
    WriterBooks books() const noexcept { return published_.read(); }

private:
    using Clock = std::chrono::steady_clock;

    bool turn(bool last);
    bool file_is_open_for(const SavedPacket& head);
    std::uint32_t interface_of(const SavedPacket& head);
    Result<void> open_file();
    void close_file();
    void lose_buffered(NotWritten why);
    void publish() noexcept { published_.publish(books_); }

    Parts parts_;
    JoinedRings rings_;
    Rotation rotation_;
    exporting::RateLimitedLog log_;
    exporting::Descriptor file_;
    std::uint64_t file_octets_ = 0;          // of the file at hand, as written
    Blocks blocks_;                          // to be written next
    std::string path_;                       // of the file at hand
    std::vector<std::uint64_t> interfaces_;  // of the file: point and link type of each
    std::size_t interfaces_written_ = 0;     // of these, as far as they are in the file
    std::vector<std::uint64_t> written_of_;  // packets, by point
    std::vector<std::uint64_t> buffered_of_;
    std::int64_t first_ns_ = 0;  // of all packets
    std::int64_t last_ns_ = 0;
    Clock::time_point retry_at_{};  // a file that cannot be made is tried again then
    WriterBooks books_{};
    Published<WriterBooks> published_;
    std::unique_ptr<Compressor> compressor_;  // null: files stay as they are
};

}  // namespace tapmeter::saving
