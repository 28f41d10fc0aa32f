#pragma once

#include <vector>

#include "src/capture_files/file_descriptor.h"
#include "src/capture_files/octet_source.h"
#include "src/capture_files/pcapng.h"

namespace tapmeter::capture_files {

// Twice the largest record: the window can then always grow to one, and octets are moved at most
// once for each octet that is read.
inline constexpr std::size_t stream_buffer_octets = 2 * block_head_octets_max;

// Longest time that fill() waits for a pipe: short enough for a worker that also has timeouts to
// keep and a stop to hear, long enough that an idle pipe costs nothing.
inline constexpr int stream_wait_milliseconds = 10;

// A pipe, terminal or device, read through a buffer of fixed size; a file too where its packets
// are looked at once: the kernel's copy brings them into the cache, which costs less than mapping
// pages and missing them.
class StreamBuffer final : public OctetSource {
public:
    // octets_total  of a regular file, which never has to be waited for; 0: a pipe
    explicit StreamBuffer(FileDescriptor file, std::uint64_t octets_total = 0)
        : file_(std::move(file)), buffer_(stream_buffer_octets), octets_total_(octets_total) {}

    Bytes ahead() const noexcept override {
        return Bytes{buffer_}.subspan(consumed_, present_ - consumed_);
    }
    void consume(std::size_t octets) noexcept override { consumed_ += octets; }
    Fill fill() noexcept override;  // may move the octets ahead: views into them end here
    void close() noexcept override { file_.reset(); }
    bool views_stay_valid() const noexcept override { return false; }
    std::uint64_t octets_total() const noexcept override { return octets_total_; }
    int failure() const noexcept override { return failure_; }

private:
    Fill fail(int error) noexcept;
    void make_room() noexcept;

    FileDescriptor file_;
    std::vector<std::byte> buffer_;  // never resized
    std::uint64_t octets_total_;
    std::size_t consumed_ = 0;  // start of the window
    std::size_t present_ = 0;   // end of the window
    int failure_ = 0;
    bool ended_ = false;
};

}  // namespace tapmeter::capture_files
