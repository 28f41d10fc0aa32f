#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/base/result.h"
#include "pipeline/base/units.h"
#include "src/exporting/descriptor.h"
#include "src/exporting/output.h"

namespace tapmeter::exporting {

// Longest message or block in a spool file.
inline constexpr std::size_t spool_frame_octets_max = std::size_t{64} << 10U;

// One message in a spool file, or one message of Templates that a session must begin with before
// it can have those. A block is no message of IPFIX: rows of a database, messages of a bus; what
// stands before blocks says of what they are made.
struct SpoolFrame {
    enum class Kind : std::uint32_t { announcement = 1, message = 2, block = 3 };
    Kind kind = Kind::message;
    std::uint32_t octets = 0;  // of the message
    // Of announcements and messages.
    ObservationDomainId domain{};
    std::uint32_t sequence = 0;  // as it was built
    std::uint32_t sequence_step = 0;
    std::uint32_t template_sets = 0;
    // Of blocks.
    std::uint64_t id = 0;  // by which the other side knows the block; 0: it does not
    ObservedAt ended{};    // last packet of its first flow record
    RecordTotals contents;
};

// A file of messages that wait for a Collector. It begins with what a session must begin with,
// then messages follow, each under a checksum; how far they have arrived stands at a fixed place.
// Mode 0600; a symbolic link in its place is refused. For this machine: numbers are in its byte
// order. One thread.
class SpoolFile {
public:
    struct Announced {
        SpoolFrame frame;
        std::vector<std::byte> octets;
    };
    // What was found when an old file was opened.
    struct Found {
        std::uint64_t damaged_at =
            0;  // octets from here on could not be read and were cut; 0: none
        std::uint64_t cut_octets = 0;
    };

    // run  which start of the program this is: sequence numbers of another one are not related
    // errors  io
    static Result<SpoolFile> create(const std::string& path, std::uint64_t run,
                                    const std::vector<Announced>& announcements);

    // Reads an old file from end to end; what is behind the first damage is cut off.
    // errors  io       cannot be read
    //         invalid_config  no spool file, or its beginning is damaged
    static Result<SpoolFile> open(const std::string& path, Found& found);

    const std::string& path() const noexcept { return path_; }
    std::uint64_t run() const noexcept { return run_; }
    const std::vector<Announced>& announcements() const noexcept { return announcements_; }
    std::uint64_t octets() const noexcept { return end_; }  // of the file
    std::uint64_t confirmed() const noexcept {
        return confirmed_;
    }  // offset of what has not arrived
    const RecordTotals& waiting() const noexcept { return waiting_; }  // has not arrived

    // At the end. False: the disk refused (errno); the file is as before.
    bool append(const SpoolFrame& frame, Bytes message) noexcept;

    // The frame at `offset`, below octets(), into `message`, which has room for the longest one.
    // Returns the offset behind it; 0: it is damaged or cannot be read.
    std::uint64_t read(std::uint64_t offset, SpoolFrame& frame,
                       std::vector<std::byte>& message) const noexcept;

    // All before `offset` has arrived; `contents` of it, which no longer wait.
    void confirm(std::uint64_t offset, const RecordTotals& contents) noexcept;

    // What stands from `offset` on is given up, `contents` with it.
    void cut(std::uint64_t offset, const RecordTotals& contents) noexcept;

    void remove() const noexcept;

private:
    SpoolFile(std::string path, Descriptor file) noexcept
        : path_(std::move(path)), file_(std::move(file)) {}

    bool read_header() noexcept;
    void scan(Found& found);

    std::string path_;
    Descriptor file_;
    std::uint64_t run_ = 0;
    std::uint64_t end_ = 0;
    std::uint64_t confirmed_ = 0;
    RecordTotals waiting_;
    std::vector<Announced> announcements_;
};

// CRC-32C (Castagnoli), as in RFC 3720 appendix B.4.
std::uint32_t crc32c(Bytes octets, std::uint32_t before = 0) noexcept;

}  // namespace tapmeter::exporting
