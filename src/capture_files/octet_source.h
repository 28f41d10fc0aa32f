#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "pipeline/base/bytes.h"
#include "pipeline/base/result.h"

namespace tapmeter::capture_files {

// What became of a wish for more octets.
enum class Fill : std::uint8_t {
    more,         // ahead() has grown
    nothing_now,  // a pipe whose writer is slow; ask again
    end,          // there will never be more than ahead() shows
    failed,       // as `end`, and failure() says why
};

// The octets of one file or pipe, seen through a window that moves along it. One thread.
class OctetSource {
public:
    OctetSource() = default;
    OctetSource(const OctetSource&) = delete;
    OctetSource& operator=(const OctetSource&) = delete;
    virtual ~OctetSource() = default;

    // The window: octets that were read and not yet consumed.
    virtual Bytes ahead() const noexcept = 0;

    // Moves the window's start; views into what was consumed stay valid until fill() or close(),
    // or as long as the source where views_stay_valid().
    virtual void consume(std::size_t octets) noexcept = 0;

    // Moves the window's end. Waits for a pipe at most a few milliseconds.
    virtual Fill fill() noexcept = 0;

    // Nothing more will be read: pages and buffers may go.
    virtual void close() noexcept = 0;

    virtual bool views_stay_valid() const noexcept = 0;

    // Octets in the file; 0 for a pipe, where nobody knows.
    virtual std::uint64_t octets_total() const noexcept = 0;

    // After Fill::failed: errno; EFAULT where a mapped file lost its end.
    virtual int failure() const noexcept = 0;
};

// Opens a file for mapped reading; a pipe, a device, or "-" for standard input for buffered
// reading (standard input is mapped too where it is a file at its start). Waits where a named pipe
// has no writer yet.
//
// keep_pages  a mapped file's pages stay resident once read
// buffered    a file is read through a buffer too instead of being mapped, unless its pages are
//             large
Result<std::unique_ptr<OctetSource>> open_octets(const std::filesystem::path& path, bool keep_pages,
                                                 bool buffered = false);

}  // namespace tapmeter::capture_files
