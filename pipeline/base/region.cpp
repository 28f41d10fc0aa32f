#include "pipeline/base/region.h"

#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

namespace tapmeter {

namespace {

constexpr std::size_t huge_page_octets = std::size_t{2} << 20U;

constexpr std::size_t rounded_up(std::size_t octets) noexcept {
    return (octets + huge_page_octets - 1) / huge_page_octets * huge_page_octets;
}

// The mapping, or an empty span with errno set.
std::span<std::byte> mapped(int descriptor, std::size_t octets, int flags) noexcept {
    void* const address = ::mmap(nullptr, octets, PROT_READ | PROT_WRITE, flags, descriptor, 0);
    if (address == MAP_FAILED) {
        return {};
    }
    return {static_cast<std::byte*>(address), octets};
}

struct Mapping {
    std::span<std::byte> octets;
    int descriptor = -1;
};

Error no_huge_pages(std::size_t octets) {
    const std::string pages = std::to_string(octets / huge_page_octets);
    return {.kind = Error::Kind::no_memory,
            .message = pages + " huge pages of 2 MB for the flow table are not free (" +
                       std::strerror(errno) + "); reserve them: echo " + pages +
                       " > /proc/sys/vm/nr_hugepages, or set memory.hugepages = \"auto\""};
}

Error no_pages(std::size_t octets) {
    return {.kind = Error::Kind::no_memory,
            .message = std::to_string(octets >> 20U) + " MiB for the flow table: " +
                       std::strerror(errno) + "; lower flow.flows_max or workers.count"};
}

bool has_octets(int descriptor, std::size_t octets) noexcept {
    struct stat file {};
    return descriptor >= 0 && ::fstat(descriptor, &file) == 0 &&
           file.st_size == static_cast<off_t>(octets);
}

// Empties the file, then makes it so long: all octets 0.
bool has_made_room(int descriptor, std::size_t octets) noexcept {
    return ::ftruncate(descriptor, 0) == 0 &&
           ::ftruncate(descriptor, static_cast<off_t>(octets)) == 0;
}

// On a boundary of large pages, so that the kernel can use them.
std::span<std::byte> mapped_aligned(int descriptor, std::size_t octets) noexcept {
    const std::size_t room = octets + huge_page_octets;
    void* const anywhere =
        octets == 0 ? MAP_FAILED
                    : ::mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (anywhere == MAP_FAILED) {
        return {};
    }
    const std::span whole{static_cast<std::byte*>(anywhere), room};
    const std::size_t before =
        (huge_page_octets - std::bit_cast<std::uintptr_t>(anywhere) % huge_page_octets) %
        huge_page_octets;
    const auto wanted = whole.subspan(before, octets);
    const auto behind = whole.subspan(before + octets);
    if (before != 0) {
        ::munmap(whole.data(), before);
    }
    if (!behind.empty()) {
        ::munmap(behind.data(), behind.size());
    }
    if (::mmap(wanted.data(), octets, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor,
               0) == MAP_FAILED) {
        ::munmap(wanted.data(), octets);
        return {};
    }
    return wanted;
}

// Kernels seldom give large pages to a file in memory; asked to join those that are there, they do
// (since 6.1), whatever is set for such files. One page is there of each large one first.
bool joins_pages(std::span<std::byte> octets) noexcept {
    constexpr int madvise_collapse = 25;  // MADV_COLLAPSE, which older headers do not name
    for (std::size_t at = 0; at < octets.size(); at += huge_page_octets) {
        ::madvise(octets.subspan(at).data(), 1, MADV_POPULATE_WRITE);
    }
    return ::madvise(octets.data(), octets.size(), madvise_collapse) == 0;
}

Mapping map_memfd(std::size_t octets, unsigned int flags) noexcept {
    const int descriptor = ::memfd_create("tapmeter-shard", flags | MFD_CLOEXEC);
    if (descriptor < 0) {
        return {};
    }
    if (::ftruncate(descriptor, static_cast<off_t>(octets)) == 0) {
        // MAP_POPULATE would kill us with SIGBUS where too few huge pages are left; the plain
        // mapping of a memfd reserves them and fails politely.
        const auto pages = mapped(descriptor, octets, MAP_SHARED);
        if (!pages.empty()) {
            return {pages, descriptor};
        }
    }
    ::close(descriptor);
    return {};
}

}  // namespace

KeptMemory::KeptMemory() noexcept
    : descriptors_{::memfd_create("tapmeter-shard", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB),
                   ::memfd_create("tapmeter-shard", MFD_CLOEXEC)} {}

KeptMemory::KeptMemory(KeptMemory&& other) noexcept
    : descriptors_(std::exchange(other.descriptors_, {-1, -1})) {}

KeptMemory& KeptMemory::operator=(KeptMemory&& other) noexcept {
    std::swap(descriptors_, other.descriptors_);
    return *this;
}

KeptMemory::~KeptMemory() {
    for (const int descriptor : descriptors_) {
        if (descriptor >= 0) {
            ::close(descriptor);
        }
    }
}

bool Region::is_left(const KeptMemory& kept, std::size_t octets) noexcept {
    return has_octets(kept.huge(), rounded_up(octets)) ||
           has_octets(kept.small(), rounded_up(octets));
}

// What an earlier process left.
Result<Region> Region::adopted(const Request& request, std::size_t octets) {
    const KeptMemory& kept = *request.kept;
    if (has_octets(kept.huge(), octets)) {
        const auto pages = mapped(kept.huge(), octets, MAP_SHARED);
        if (!pages.empty()) {
            return Region(pages, -1, Pages::huge);
        }
    }
    if (!has_octets(kept.small(), octets)) {
        return failed(Error::Kind::invalid_config,
                      "the last data path left no memory of " + std::to_string(octets >> 20U) +
                          " MiB; it had another flow.flows_max or workers.count");
    }
    const auto pages = mapped_aligned(kept.small(), octets);
    if (pages.empty()) {
        return tl::unexpected<Error>(no_pages(octets));
    }
    return Region(pages, -1, Pages::small);
}

// Memory of no content.
Result<Region> Region::kept(const Request& request, std::size_t octets) {
    const KeptMemory& kept = *request.kept;
    if (kept.huge() >= 0 && request.pages != Wanted::small) {
        if (has_made_room(kept.huge(), octets)) {
            const auto pages = mapped(kept.huge(), octets, MAP_SHARED);
            if (!pages.empty()) {
                return Region(pages, -1, Pages::huge);
            }
        }
        (void)has_made_room(kept.huge(), 0);
    }
    if (request.pages == Wanted::huge) {
        return tl::unexpected<Error>(no_huge_pages(octets));
    }
    std::span<std::byte> pages;
    if (has_made_room(kept.small(), octets)) {
        pages = mapped_aligned(kept.small(), octets);
    }
    if (pages.empty()) {
        return tl::unexpected<Error>(no_pages(octets));
    }
    return Region(pages, -1, Pages::small);
}

// Of what is kept, large pages where they can be had; a core file is spared what is in it.
void Region::settle_kept(Wanted wanted, bool populate) noexcept {
    ::madvise(octets_.data(), octets_.size(), MADV_DONTDUMP);
    if (pages_ == Pages::small && wanted != Wanted::small && populate && joins_pages(octets_)) {
        pages_ = Pages::transparent;
    }
}

Result<Region> Region::filled(Region region, const Request& request) {
    if (request.populate &&
        ::madvise(region.octets_.data(), region.octets_.size(), MADV_POPULATE_WRITE) != 0 &&
        errno != EINVAL) {  // EINVAL: a kernel before 5.14; its pages come with the first packets
        return failed(Error::Kind::no_memory,
                      std::to_string(region.octets_.size() >> 20U) +
                          " MiB for the flow table cannot be filled: " + std::strerror(errno) +
                          "; lower flow.flows_max or free memory");
    }
    return region;
}

Result<Region> Region::reserve(const Request& request) {
    const std::size_t octets = rounded_up(request.octets);
    if (request.kept != nullptr) {
        auto region = request.adopt ? adopted(request, octets) : kept(request, octets);
        if (!region) {
            return region;
        }
        region->settle_kept(request.pages, request.populate);
        return filled(std::move(*region), request);
    }
    Mapping mapping;
    Pages pages = Pages::small;
    if (request.pages != Wanted::small) {
        mapping = map_memfd(octets, MFD_HUGETLB | MFD_HUGE_2MB);
        pages = Pages::huge;
    }
    if (mapping.octets.empty() && request.pages == Wanted::huge) {
        return tl::unexpected<Error>(no_huge_pages(octets));
    }
    if (mapping.octets.empty()) {
        // Kernels seldom give transparent huge pages to a memfd, but do to anonymous memory.
        mapping.octets = mapped(-1, octets, MAP_PRIVATE | MAP_ANONYMOUS);
        const bool large = request.pages == Wanted::automatic;
        pages = !mapping.octets.empty() &&
                        ::madvise(mapping.octets.data(), octets,
                                  large ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) == 0 &&
                        large
                    ? Pages::transparent
                    : Pages::small;
    }
    if (mapping.octets.empty()) {
        return tl::unexpected<Error>(no_pages(octets));
    }
    return filled(Region(mapping.octets, mapping.descriptor, pages), request);
}

Region::Region(Region&& other) noexcept
    : octets_(std::exchange(other.octets_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)),
      pages_(other.pages_) {}

Region& Region::operator=(Region&& other) noexcept {
    std::swap(octets_, other.octets_);
    std::swap(descriptor_, other.descriptor_);
    std::swap(pages_, other.pages_);
    return *this;
}

Region::~Region() {
    if (!octets_.empty()) {
        ::munmap(octets_.data(), octets_.size());
    }
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

std::string_view name_of(Region::Pages pages) noexcept {
    switch (pages) {
        case Region::Pages::huge:
            return "2 MB pages";
        case Region::Pages::transparent:
            return "transparent huge pages";
        case Region::Pages::small:
            break;
    }
    return "4 KB pages";
}

}  // namespace tapmeter
