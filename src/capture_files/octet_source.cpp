#include "src/capture_files/octet_source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "src/capture_files/mapped_file.h"
#include "src/capture_files/stream_buffer.h"

namespace tapmeter::capture_files {
namespace {

using Opened = Result<std::unique_ptr<OctetSource>>;

tl::unexpected<Error> cannot_open(const std::string& why) {
    return failed(Error::Kind::io, "cannot be opened: " + why);
}

// The octets from the file's current place on.
Opened octets_of(FileDescriptor file, bool keep_pages, bool buffered) {
    struct stat facts {};
    if (::fstat(file.number(), &facts) != 0) {
        return cannot_open(std::generic_category().message(errno));
    }
    if (S_ISDIR(facts.st_mode)) {
        return cannot_open(
            "is a directory, must be a capture file, a pipe or - for standard input");
    }
    // Standard input may be a file of which somebody has read a part.
    if (S_ISREG(facts.st_mode) && facts.st_size > 0 && ::lseek(file.number(), 0, SEEK_CUR) == 0) {
        const auto octets = static_cast<std::size_t>(facts.st_size);
        auto mapped = MappedFile::map(file, octets, keep_pages);
        if (mapped != nullptr && (!buffered || mapped->has_large_pages())) {
            return mapped;
        }
        return std::make_unique<StreamBuffer>(std::move(file), buffered ? octets : 0);
    }
    return std::make_unique<StreamBuffer>(std::move(file));
}

}  // namespace

Opened open_octets(const std::filesystem::path& path, bool keep_pages, bool buffered) {
    if (path != "-") {
        FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        return file.is_open() ? octets_of(std::move(file), keep_pages, buffered)
                              : cannot_open(std::generic_category().message(errno));
    }
    if (::isatty(STDIN_FILENO) == 1) {
        return cannot_open("is a terminal; pipe a capture into it or name a file");
    }
    FileDescriptor file{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)};
    return file.is_open() ? octets_of(std::move(file), keep_pages, buffered)
                          : cannot_open(std::generic_category().message(errno));
}

}  // namespace tapmeter::capture_files
