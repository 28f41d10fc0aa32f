#pragma once

#include <atomic>
#include <string>

#include "pipeline/base/result.h"
#include "src/exporting/account.h"
#include "src/exporting/descriptor.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/output_queue.h"
#include "src/exporting/rate_limited_log.h"

namespace tapmeter::exporting {

// A file that lines are appended to.
struct LineFile {
    Descriptor descriptor;
    bool regular = false;  // can be cut back where a block did not fit; never makes anyone wait
};

// path    "-" is standard output. A file is made with mode 0640; a symbolic link in its place is
//         refused, for whoever may write to the folder could lead us anywhere.
// errors  io
Result<LineFile> open_line_file(const std::string& path);

// The sending thread of an output to a file: appends whole blocks, or nothing of them. A block
// that a regular file cannot take (disk full) is cut off again and counted as dropped.
class BlockWriter {
public:
    struct Setup {
        std::string output;  // "json/file", for the log
        std::string path;
        LogLine log;
    };

    // `queue` and `account` outlive it.
    BlockWriter(Setup setup, LineFile file, OutputQueue& queue, Account& account);

    // The thread. Returns after queue.stop(), once nothing waits.
    void run();

    // Any thread: the next block goes to a file opened anew; to the present one where that fails.
    void request_reopen() noexcept { reopen_.store(true, std::memory_order_release); }

private:
    void reopen_if_asked();
    void write_oldest();
    void give_up(int error);
    void settle(std::size_t count, bool sent);

    Setup setup_;
    LineFile file_;
    OutputQueue& queue_;
    Account& account_;
    RateLimitedLog log_;
    std::size_t written_ = 0;  // octets of the oldest block
    std::atomic<bool> reopen_{false};
};

}  // namespace tapmeter::exporting
