#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/base/result.h"
#include "pipeline/base/source.h"
#include "src/capture_files/file_queue.h"

namespace tapmeter::capture_files {

// Files of one capture, and pipes among them. All are opened at the start: a mapping each.
inline constexpr std::size_t files_max = 16'384;
inline constexpr std::size_t pipes_max = 16;

struct Options {
    // Read one after the other, each from its start; "-" is standard input. 1 to files_max.
    std::vector<std::filesystem::path> paths;
    std::uint16_t observation_point = 0;  // of every packet
    // Pages of a mapped file stay resident once read. Views stay valid either way; this spares
    // workers that lag far behind the reader their page faults.
    bool keep_pages = false;
    // Files are read through a buffer instead of being mapped: faster where one worker looks at
    // each packet once, unless the page cache holds them in large pages. Counts against pipes_max.
    bool buffered = false;
};

// Capture files as one Observation Point with one queue. Nothing is lost on the way, so that
// offered = received at every moment.
class FileCapture final : public Capture {
public:
    // What is made of open()'s findings.
    FileCapture(std::vector<Input> inputs, const Options& options);

    std::size_t queues() const noexcept override { return 1; }
    PacketSource& queue(std::size_t index) noexcept override;
    bool symmetric() const noexcept override { return true; }
    bool recorded() const noexcept override { return true; }

    // True where all files are mapped. The mappings last as long as this capture.
    bool views_stay_valid() const noexcept override { return views_stay_valid_; }

    // Any thread: the queue is exhausted at its next receive(), the rest of the files is not read.
    void stop_arrivals() noexcept override { queue_.stop(); }

    CaptureCounters counters() const override;
    std::string describe() const override { return queue_.describe(); }
    std::vector<Capability> capabilities() const override;

    // Any thread; may lag the reader by a burst.
    Progress progress() const noexcept { return queue_.progress(); }

    // Once the queue is exhausted, in the thread that polled it or after joining it.
    // error   io: a file was damaged, such as "x.pcap: offset 1234: packet record claims 4294967295
    //         octets, at most 262144 are possible; read 17 packets before it". Its packets before
    //         the damage were delivered, and so were the files after it.
    Result<void> status() const { return queue_.status(); }

private:
    FileQueue queue_;
    bool views_stay_valid_;
    bool keep_pages_;
};

// Opens and recognises every path. Waits for the first octets of pipes.
//
// errors  io: a path that cannot be opened, or is no capture file: "FILE: offset 0: found 1f 8b 08
//         00, a gzip file, which is not read directly; zcat FILE | tapmeter read -"
//         invalid_config: no path, or more than the limits above
Result<std::unique_ptr<FileCapture>> open(const Options& options);

}  // namespace tapmeter::capture_files
