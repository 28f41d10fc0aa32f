#include "src/capture_files/mapped_file.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

namespace tapmeter::capture_files {
namespace {

// madvise() takes the address as a pointer to something that may be written.
void* address_of(Bytes octets) noexcept {
    // NOLINTNEXTLINE(*-const-cast): the mapping is read-only, nothing is written through this
    return const_cast<std::byte*>(octets.data());
}

}  // namespace

std::unique_ptr<MappedFile> MappedFile::map(const FileDescriptor& file, std::size_t octets,
                                            bool keep_pages) {
    void* const address = ::mmap(nullptr, octets, PROT_READ, MAP_PRIVATE, file.number(), 0);
    if (address == MAP_FAILED) {
        return nullptr;
    }
    const Bytes mapped{static_cast<const std::byte*>(address), octets};
    // Advice: a kernel that refuses does no harm. Pages of 2 MB, where the file system has them,
    // cost a 20th of small ones to map; a file that is not in the page cache is read into such.
    ::madvise(address, octets, MADV_SEQUENTIAL);
    ::madvise(address, octets, MADV_HUGEPAGE);
    return std::make_unique<MappedFile>(mapped, keep_pages);
}

MappedFile::~MappedFile() {
    ::munmap(address_of(octets_), octets_.size());
}

Fill MappedFile::fill() noexcept {
    if (present_ == octets_.size() || failure_ != 0) {
        return failure_ == 0 ? Fill::end : Fill::failed;
    }
    // All later steps end where large pages do: half of one would be mapped in small pieces.
    const std::size_t wanted = present_ == 0
                                   ? mapped_first_octets
                                   : present_ - present_ % mapped_step_octets + mapped_step_octets;
    const std::size_t next = std::min(wanted, octets_.size());
    if (!bring_in(present_, next)) {
        return Fill::failed;
    }
    present_ = next;
    if (consumed_ > mapped_behind_octets) {
        give_back(consumed_ - mapped_behind_octets);
    }
    return Fill::more;
}

// Large pages are mapped by one page fault each, small ones by one for some dozen of them.
bool MappedFile::has_large_pages() noexcept {
    constexpr std::size_t large_page_octets = std::size_t{2} << 20U;
    const std::size_t first = std::min(mapped_step_octets, octets_.size());
    rusage before{};
    rusage after{};
    ::getrusage(RUSAGE_THREAD, &before);
    const bool there = bring_in(0, first);
    ::getrusage(RUSAGE_THREAD, &after);
    const auto faults = static_cast<std::size_t>(after.ru_minflt - before.ru_minflt +
                                                 after.ru_majflt - before.ru_majflt);
    failure_ = 0;  // fill() meets it again
    return there && first >= large_page_octets && faults <= 2 * first / large_page_octets;
}

void MappedFile::close() noexcept {
    give_back(octets_.size());
}

// Reads [from, to) into memory now and asks for the step after it, so that the disk works while
// packets are metered. False: these octets are not there any more.
bool MappedFile::bring_in(std::size_t from, std::size_t to) noexcept {
    if (from > 0) {
        advise(to, std::min(to + mapped_step_octets, octets_.size()), MADV_WILLNEED);
    }
    const Bytes step = octets_.subspan(from, to - from);
    if (::madvise(address_of(step), step.size(), MADV_POPULATE_READ) == 0) {
        return true;
    }
    // EFAULT: touching the pages would have been SIGBUS. Anything else (EINVAL before Linux 5.14)
    // leaves the pages to be brought in by page faults.
    failure_ = errno == EFAULT || errno == EHWPOISON ? errno : 0;
    return failure_ == 0;
}

// The mapping itself stays: a view into pages that were given back is read from the file again.
void MappedFile::give_back(std::size_t to) noexcept {
    const std::size_t whole = to == octets_.size() ? to : to - to % mapped_step_octets;
    if (!keep_pages_ && whole > dropped_) {
        advise(dropped_, whole, MADV_DONTNEED);
        dropped_ = whole;
    }
}

// from  a multiple of the page size
void MappedFile::advise(std::size_t from, std::size_t to, int advice) const noexcept {
    if (from < to) {
        ::madvise(address_of(octets_.subspan(from)), to - from, advice);
    }
}

}  // namespace tapmeter::capture_files
