#include "src/exporting/block_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "src/exporting/settle.h"
#include "src/exporting/sigpipe.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds idle_patience{200};  // how late a reopen may be
constexpr milliseconds writable_patience{20};
// A pipe that poll() calls writable takes this much without making us wait (pipe(7)).
constexpr std::size_t pipe_octets = 4'096;

std::string text_of(int error) {
    return std::generic_category().message(error);
}

// Standard output belongs to others too, so it is never switched to O_NONBLOCK.
int open_descriptor(const std::string& path) noexcept {
    if (path == "-") {
        return ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    }
    // O_NONBLOCK: a FIFO without a reader is an error now, not a wait for ever.
    return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
                  0640);
}

}  // namespace

Result<LineFile> open_line_file(const std::string& path) {
    LineFile file{Descriptor(open_descriptor(path))};
    struct stat status {};
    if (!file.descriptor.is_open() || ::fstat(file.descriptor.number(), &status) != 0) {
        const int error = errno;
        return failed(Error::Kind::io,
                      fmt::format("{} cannot be opened for appending: {}; {}", path, text_of(error),
                                  error == ELOOP ? "it is a symbolic link: name the file itself"
                                                 : "see to the folder and its permissions"));
    }
    file.regular = S_ISREG(status.st_mode);
    return file;
}

BlockWriter::BlockWriter(Setup setup, LineFile file, OutputQueue& queue, Account& account)
    : setup_(std::move(setup)),
      file_(std::move(file)),
      queue_(queue),
      account_(account),
      log_(setup_.log) {}

void BlockWriter::run() {
    block_sigpipe();
    for (;;) {
        reopen_if_asked();
        const std::size_t waiting = queue_.readable().size();
        if (waiting == 0) {
            if (queue_.stopping()) {
                return;
            }
            queue_.wait(idle_patience);
        } else if (queue_.abandoned()) {
            settle(waiting, false);
        } else {
            write_oldest();
        }
    }
}

void BlockWriter::reopen_if_asked() {
    if (written_ != 0 || !reopen_.exchange(false, std::memory_order_acq_rel)) {
        return;  // the block in progress ends where it began
    }
    auto opened = open_line_file(setup_.path);
    if (opened) {
        file_ = std::move(*opened);
        return;
    }
    log_([&] {
        return fmt::format("output {}: {}; lines go on to the old file", setup_.output,
                           opened.error().message);
    });
}

// Writes what the file takes now; the rest of the block follows on the next call.
void BlockWriter::write_oldest() {
    Bytes rest = queue_.octets_of(0).subspan(written_);
    if (!file_.regular) {
        pollfd writable{file_.descriptor.number(), POLLOUT, 0};
        if (::poll(&writable, 1, static_cast<int>(writable_patience.count())) <= 0) {
            return;  // a slow reader; run() looks whether to go on
        }
        rest = rest.first(std::min(rest.size(), pipe_octets));
    }
    const auto wrote = ::write(file_.descriptor.number(), rest.data(), rest.size());
    if (wrote < 0) {
        if (errno != EINTR && errno != EAGAIN) {
            give_up(errno);
        }
        return;
    }
    written_ += static_cast<std::size_t>(wrote);
    if (written_ == queue_.octets_of(0).size()) {
        settle(1, true);
    }
}

void BlockWriter::give_up(int error) {
    if (file_.regular && written_ != 0) {
        // O_APPEND leaves the offset behind what was written last.
        const off_t end = ::lseek(file_.descriptor.number(), 0, SEEK_CUR);
        [[maybe_unused]] const int cut =
            ::ftruncate(file_.descriptor.number(), end - static_cast<off_t>(written_));
    }
    log_([&] {
        return fmt::format(
            "output {}: {} refuses a block of lines: {}; its flow records are "
            "counted as dropped, reason send_error",
            setup_.output, setup_.path, text_of(error));
    });
    settle(1, false);
}

void BlockWriter::settle(std::size_t count, bool sent) {
    written_ = 0;
    account_.sender.up = sent ? 1 : 0;
    exporting::settle(queue_, account_, count, sent);
}

}  // namespace tapmeter::exporting
