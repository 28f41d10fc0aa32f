#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/result.h"
#include "src/exporting/rate_limited_log.h"
#include "src/exporting/spool_file.h"

namespace tapmeter::exporting {

// Messages that wait on disk for a Collector, oldest first, in files of one output; likewise blocks
// of rows, or of messages of another kind, for a server. What a run of
// the program leaves there, the next one finds. One thread.
//
// Those that were written to a session but have not arrived yet are on their way: they stay on disk
// until they are confirmed, and rewind() makes them the next ones again.
class Spool {
public:
    struct Setup {
        std::string output;  // "ipfix/main", for the log
        std::string name;    // of the files: NAME-RUN-NUMBER.spool
        std::string folder;  // made where it is missing, mode 0750
        std::uint64_t octets_max = std::uint64_t{1} << 30U;
        LogLine log;
    };
    // What became of oldest messages that had to go, or of what could not be read.
    struct Lost {
        RecordTotals full;
        RecordTotals damaged;
        std::uint64_t places = 0;  // that could not be read
    };
    struct Confirmed {
        RecordTotals contents;
        std::uint64_t messages = 0;
        std::uint64_t octets = 0;
        ExportLag lag;  // from when the messages were made, or the flow of the blocks ended
    };
    enum class Appended : std::uint8_t {
        done,
        full,     // and nothing older may go: those are on their way
        refused,  // by the disk
    };

    // errors  io  the folder cannot be made or written, or another program uses it
    static Result<std::unique_ptr<Spool>> open(Setup setup);
    Spool(Setup setup, Descriptor lock);  // for open() alone: it has not looked at the folder yet
    // Whether it could be opened; makes nothing.
    static Result<void> check(const std::string& folder);

    // Before the first append(), and where it changes: what a session needs to hear before the
    // messages that come then.
    void announce(std::vector<SpoolFile::Announced> announcements);

    bool empty() const noexcept { return files_.empty(); }
    std::uint64_t run() const noexcept { return run_; }  // of this start of the program
    RecordTotals waiting() const noexcept;
    std::uint64_t octets() const noexcept;
    // What was lost since the last call.
    Lost take_lost() noexcept { return std::exchange(lost_, {}); }

    Appended append(const SpoolFrame& frame, Bytes message) noexcept;
    // Likewise what has been written to the session already, after all that is here.
    Appended append_written(const SpoolFrame& frame, Bytes message) noexcept;

    // The next message to write; null: there is none. Its octets may be changed.
    struct Next {
        SpoolFrame frame;
        std::vector<std::byte> octets;
        std::uint64_t run = 0;
        std::size_t announcements = 0;  // which: equal numbers are equal announcements
    };
    Next* next() noexcept;
    // What a session must begin with before it may have `next`.
    const std::vector<SpoolFile::Announced>& announcements(const Next& next) const noexcept {
        return announced(next.announcements);
    }
    const std::vector<SpoolFile::Announced>& announced(std::size_t number) const noexcept {
        return announcements_[number];
    }
    // The last announcements given by announce(), by the same number.
    std::size_t own_announcements() const noexcept { return own_; }

    void written() noexcept;  // next() was written, and is on its way
    std::size_t on_their_way() const noexcept { return on_their_way_.size(); }
    Confirmed confirm(std::size_t count) noexcept;  // the oldest of those
    void rewind() noexcept;

private:
    struct File {
        SpoolFile file;
        std::size_t announcements = 0;
        std::size_t on_their_way = 0;
    };
    struct Travelling {
        std::uint64_t end;  // offset behind it
        RecordTotals contents;
        std::uint64_t octets;
        ObservedAt made{};
    };

    Result<void> find_files();
    void take_file(const std::string& path);
    std::size_t number_of(const std::vector<SpoolFile::Announced>& announcements);
    void lose_rest_of(File& damaged) noexcept;
    bool open_next_file();
    bool make_room(std::uint64_t octets) noexcept;
    void give_up_file(std::size_t index, RecordTotals& fate) noexcept;
    void drop_finished() noexcept;

    Setup setup_;
    Descriptor lock_;
    RateLimitedLog log_;
    std::uint64_t run_;
    std::uint32_t files_made_ = 0;
    std::uint64_t file_octets_max_;
    std::deque<File> files_;  // oldest first
    std::vector<std::vector<SpoolFile::Announced>> announcements_;
    std::size_t own_ = 0;
    std::deque<Travelling> on_their_way_;
    std::size_t cursor_file_ = 0;      // the next message: in which file
    std::uint64_t cursor_offset_ = 0;  // and where; 0: at what it had not confirmed
    bool has_next_ = false;            // next_ is the message at the cursor
    Next next_;
    std::uint64_t next_end_ = 0;
    Lost lost_;
};

}  // namespace tapmeter::exporting
