#pragma once

#include <memory>

#include "src/capture_files/file_descriptor.h"
#include "src/capture_files/octet_source.h"

namespace tapmeter::capture_files {

// Pages are brought in this much at a time, so that a reader meets no page fault per page ...
inline constexpr std::size_t mapped_step_octets = std::size_t{4} << 20U;

// (only the file header at first: thousands of files may be open that are read later)
inline constexpr std::size_t mapped_first_octets = 4'096;

// ... and given back when they lie this far behind, which leaves other workers time to look at
// packets that were handed to them. Looking later is safe, it only costs a page fault.
inline constexpr std::size_t mapped_behind_octets = std::size_t{16} << 20U;

// A file seen through a private, read-only mapping: no octet is copied. At most
// mapped_behind_octets + 2 * mapped_step_octets of it are resident, unless pages are kept.
//
// A file that becomes shorter is met as Fill::failed, not as SIGBUS, where it happens before a step
// is brought in; inside the current step, and behind it, nothing can protect a mapping from it.
class MappedFile final : public OctetSource {
public:
    // file    open for reading, of `octets` octets, not empty; closed once it is mapped
    // returns nullptr where this file cannot be mapped: read it as a stream then
    static std::unique_ptr<MappedFile> map(const FileDescriptor& file, std::size_t octets,
                                           bool keep_pages);

    MappedFile(Bytes octets, bool keep_pages) noexcept : octets_(octets), keep_pages_(keep_pages) {}
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile() override;

    // Whether the page cache holds this file in pages of 2 MB, or reads it into such; else it is a
    // little faster to read than to look at. Brings the first step in to see.
    bool has_large_pages() noexcept;

    Bytes ahead() const noexcept override {
        return octets_.subspan(consumed_, present_ - consumed_);
    }
    void consume(std::size_t octets) noexcept override { consumed_ += octets; }
    Fill fill() noexcept override;
    void close() noexcept override;
    bool views_stay_valid() const noexcept override { return true; }
    std::uint64_t octets_total() const noexcept override { return octets_.size(); }
    int failure() const noexcept override { return failure_; }

private:
    void advise(std::size_t from, std::size_t to, int advice) const noexcept;
    bool bring_in(std::size_t from, std::size_t to) noexcept;
    void give_back(std::size_t to) noexcept;

    Bytes octets_;              // the whole file
    std::size_t consumed_ = 0;  // start of the window
    std::size_t present_ = 0;   // end of the window: octets brought in so far
    std::size_t dropped_ = 0;   // pages before this were given back
    int failure_ = 0;
    bool keep_pages_;
};

}  // namespace tapmeter::capture_files
