#include "src/exporting/spool_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "pipeline/base/expects.h"
#include "src/exporting/account.h"
#include "src/exporting/message.h"

namespace tapmeter::exporting {
namespace {

constexpr ::mode_t file_mode = 0600;

// As they stand in the file, one behind the other; the second one is written anew again and again.
struct FileHeader {
    std::array<char, 8> magic{'T', 'A', 'P', 'S', 'P', 'O', 'O', 'L'};
    std::uint32_t version = 1;  // in this machine's byte order, so another one's is refused
    std::uint32_t crc = 0;      // of the rest
    std::uint64_t run = 0;
};
struct Confirmed {
    std::uint64_t offset = 0;
    std::uint32_t crc = 0;  // of it
    std::uint32_t unused = 0;
};
constexpr std::size_t confirmed_at = sizeof(FileHeader);
constexpr std::size_t frames_at = confirmed_at + sizeof(Confirmed);
static_assert(frames_at == 40);

struct FrameHeader {
    std::uint32_t crc = 0;  // of the rest of this and of the message
    std::uint32_t kind = 0;
    std::uint32_t octets = 0;
    std::uint32_t domain = 0;
    std::uint32_t sequence = 0;
    std::uint32_t sequence_step = 0;
    std::uint32_t template_sets = 0;
    std::uint32_t unused = 0;
    std::uint64_t records = 0;
    std::uint64_t packets = 0;
    std::uint64_t layer3_octets = 0;
};
static_assert(sizeof(FrameHeader) == 56);

// The same of a block.
struct BlockHeader {
    std::uint32_t crc = 0;
    std::uint32_t kind = 0;
    std::uint32_t octets = 0;
    std::uint32_t alerts = 0;
    std::uint64_t id = 0;
    std::int64_t ended = 0;  // nanoseconds
    std::uint64_t records = 0;
    std::uint64_t packets = 0;
    std::uint64_t layer3_octets = 0;
};
static_assert(sizeof(BlockHeader) == sizeof(FrameHeader));

template <class Header>
Bytes octets_of(const Header& header) noexcept {
    return std::as_bytes(std::span{&header, 1});
}

std::uint32_t crc_of(const FileHeader& header) noexcept {
    FileHeader fixed = header;
    fixed.crc = 0;
    return crc32c(octets_of(fixed));
}

std::uint32_t crc_of(const FrameHeader& header, Bytes message) noexcept {
    return crc32c(message, crc32c(octets_of(header).subspan<4>()));
}

FrameHeader header_of_block(const SpoolFrame& frame) noexcept {
    BlockHeader header;
    header.kind = static_cast<std::uint32_t>(frame.kind);
    header.octets = frame.octets;
    header.alerts = static_cast<std::uint32_t>(frame.contents.alerts);
    header.id = frame.id;
    header.ended = frame.ended.time_since_epoch().count();
    header.records = frame.contents.records;
    header.packets = frame.contents.packets;
    header.layer3_octets = frame.contents.octets;
    return std::bit_cast<FrameHeader>(header);
}

SpoolFrame block_of(const FrameHeader& read) noexcept {
    const auto header = std::bit_cast<BlockHeader>(read);
    return {.kind = SpoolFrame::Kind::block,
            .octets = header.octets,
            .id = header.id,
            .ended = ObservedAt{ObservedAt::duration{header.ended}},
            .contents = {header.records, header.packets, header.layer3_octets, header.alerts}};
}

FrameHeader header_of(const SpoolFrame& frame) noexcept {
    if (frame.kind == SpoolFrame::Kind::block) {
        return header_of_block(frame);
    }
    FrameHeader header;
    header.kind = static_cast<std::uint32_t>(frame.kind);
    header.octets = frame.octets;
    header.domain = number_of(frame.domain);
    header.sequence = frame.sequence;
    header.sequence_step = frame.sequence_step;
    header.template_sets = frame.template_sets;
    header.records = frame.contents.records;
    header.packets = frame.contents.packets;
    header.layer3_octets = frame.contents.octets;
    return header;
}

SpoolFrame frame_of(const FrameHeader& header) noexcept {
    if (header.kind == static_cast<std::uint32_t>(SpoolFrame::Kind::block)) {
        return block_of(header);
    }
    return {.kind = static_cast<SpoolFrame::Kind>(header.kind),
            .octets = header.octets,
            .domain = ObservationDomainId{header.domain},
            .sequence = header.sequence,
            .sequence_step = header.sequence_step,
            .template_sets = header.template_sets,
            .id = 0,
            .ended = {},
            .contents = {header.records, header.packets, header.layer3_octets}};
}

bool read_at(int file, std::uint64_t offset, std::span<std::byte> to) noexcept {
    while (!to.empty()) {
        const auto got = ::pread(file, to.data(), to.size(), static_cast<off_t>(offset));
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return false;
        }
        const auto octets = static_cast<std::size_t>(got < 0 ? 0 : got);
        to = to.subspan(octets);
        offset += octets;
    }
    return true;
}

bool write_at(int file, std::uint64_t offset, Bytes octets) noexcept {
    while (!octets.empty()) {
        const auto put = ::pwrite(file, octets.data(), octets.size(), static_cast<off_t>(offset));
        if (put < 0 && errno != EINTR) {
            return false;
        }
        const auto done = static_cast<std::size_t>(put < 0 ? 0 : put);
        octets = octets.subspan(done);
        offset += done;
    }
    return true;
}

constexpr std::array<std::uint32_t, 256> crc_table = [] {
    constexpr std::uint32_t polynomial = 0x82F6'3B78;
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t octet = 0; octet < table.size(); ++octet) {
        std::uint32_t crc = octet;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? polynomial : 0U);
        }
        table[octet] = crc;
    }
    return table;
}();

tl::unexpected<Error> io_failure(const std::string& path, const char* what) {
    return failed(Error::Kind::io, fmt::format("{} {}: {}; see to the folder and its permissions",
                                               path, what, std::generic_category().message(errno)));
}

}  // namespace

std::uint32_t crc32c(Bytes octets, std::uint32_t before) noexcept {
    std::uint32_t crc = ~before;
    for (const std::byte octet : octets) {
        crc = crc_table[(crc ^ std::to_integer<std::uint32_t>(octet)) & 0xFFU] ^ (crc >> 8U);
    }
    return ~crc;
}

Result<SpoolFile> SpoolFile::create(const std::string& path, std::uint64_t run,
                                    const std::vector<Announced>& announcements) {
    SpoolFile file(
        path, Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                file_mode)));
    if (!file.file_.is_open()) {
        return io_failure(path, "cannot be made");
    }
    FileHeader header;
    header.run = run;
    header.crc = crc_of(header);
    bool written = write_at(file.file_.number(), 0, octets_of(header));
    file.run_ = run;
    file.end_ = frames_at;
    for (const Announced& one : announcements) {
        written = written && file.append(one.frame, one.octets);
    }
    if (!written) {
        auto failure = io_failure(path, "cannot be written");
        file.remove();
        return failure;
    }
    file.announcements_ = announcements;
    file.confirm(file.end_, {});
    return file;
}

Result<SpoolFile> SpoolFile::open(const std::string& path, Found& found) {
    SpoolFile file(path, Descriptor(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC)));
    struct stat status {};
    if (!file.file_.is_open() || ::fstat(file.file_.number(), &status) != 0) {
        return io_failure(path, "cannot be opened");
    }
    file.end_ = static_cast<std::uint64_t>(status.st_size);
    if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || !file.read_header()) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("{}:0: no spool file of this program, version and machine; "
                                  "remove it, or name another spool folder",
                                  path));
    }
    file.scan(found);
    return file;
}

bool SpoolFile::read_header() noexcept {
    FileHeader header;
    Confirmed confirmed;
    if (!read_at(file_.number(), 0, std::as_writable_bytes(std::span{&header, 1})) ||
        !read_at(file_.number(), confirmed_at, std::as_writable_bytes(std::span{&confirmed, 1})) ||
        header.magic != FileHeader{}.magic || header.version != FileHeader{}.version ||
        header.crc != crc_of(header)) {
        return false;
    }
    run_ = header.run;
    // A damaged one is none: better twice than never.
    confirmed_ = confirmed.crc == crc32c(octets_of(confirmed.offset)) ? confirmed.offset : 0;
    return true;
}

// Finds what waits, and the end of what can be read.
void SpoolFile::scan(Found& found) {
    std::uint64_t offset = frames_at;
    std::uint64_t first_message = 0;
    bool met = false;  // the frame that `confirmed_` points at
    std::vector<std::byte> message;
    SpoolFrame frame;
    for (std::uint64_t next = 0; offset < end_; offset = next) {
        next = read(offset, frame, message);
        if (next == 0) {
            break;
        }
        if (offset == confirmed_) {
            met = true;
            waiting_ = {};
        }
        if (frame.kind == SpoolFrame::Kind::announcement) {
            announcements_.push_back({frame, message});
            continue;
        }
        first_message = first_message == 0 ? offset : first_message;
        waiting_ += frame.contents;
    }
    if (offset < end_) {
        found = {offset, end_ - offset};
        end_ = offset;
        // The next message goes where the damage began.
        [[maybe_unused]] const int cut = ::ftruncate(file_.number(), static_cast<off_t>(offset));
    }
    if (!met && confirmed_ >= end_) {
        confirmed_ = end_;  // all that is left had arrived
        waiting_ = {};
    } else if (!met) {
        confirmed_ = first_message == 0 ? end_ : first_message;
    }
}

bool SpoolFile::append(const SpoolFrame& frame, Bytes message) noexcept {
    expects(frame.octets == message.size() && message.size() <= spool_frame_octets_max);
    FrameHeader header = header_of(frame);
    header.crc = crc_of(header, message);
    const bool written = write_at(file_.number(), end_, octets_of(header)) &&
                         write_at(file_.number(), end_ + sizeof header, message);
    if (!written) {
        const int error = errno;
        [[maybe_unused]] const int cut = ::ftruncate(file_.number(), static_cast<off_t>(end_));
        errno = error;
        return false;
    }
    end_ += sizeof header + message.size();
    waiting_ += frame.contents;
    return true;
}

std::uint64_t SpoolFile::read(std::uint64_t offset, SpoolFrame& frame,
                              std::vector<std::byte>& message) const noexcept {
    FrameHeader header;
    if (end_ - offset < sizeof header ||
        !read_at(file_.number(), offset, std::as_writable_bytes(std::span{&header, 1}))) {
        return 0;
    }
    const bool known = header.kind >= static_cast<std::uint32_t>(SpoolFrame::Kind::announcement) &&
                       header.kind <= static_cast<std::uint32_t>(SpoolFrame::Kind::block);
    // What has a right checksum may still be another's idea of a message.
    if (!known || header.octets < message_header_octets || header.octets > spool_frame_octets_max ||
        end_ - offset - sizeof header < header.octets) {
        return 0;
    }
    message.resize(header.octets);
    if (!read_at(file_.number(), offset + sizeof header, message) ||
        header.crc != crc_of(header, message)) {
        return 0;
    }
    frame = frame_of(header);
    return offset + sizeof header + header.octets;
}

void SpoolFile::confirm(std::uint64_t offset, const RecordTotals& contents) noexcept {
    confirmed_ = offset;
    waiting_ -= contents;
    const Confirmed confirmed{offset, crc32c(octets_of(offset)), 0};
    // Where the disk refuses, what has arrived may arrive once more after a restart.
    [[maybe_unused]] const bool told = write_at(file_.number(), confirmed_at, octets_of(confirmed));
}

void SpoolFile::cut(std::uint64_t offset, const RecordTotals& contents) noexcept {
    end_ = offset;
    waiting_ -= contents;
    [[maybe_unused]] const int cut = ::ftruncate(file_.number(), static_cast<off_t>(offset));
}

void SpoolFile::remove() const noexcept {
    ::unlink(path_.c_str());
}

}  // namespace tapmeter::exporting
