#include "pipeline/base/region.h"

#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
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

Result<Region> Region::reserve(const Request& request) {
    const std::size_t octets = rounded_up(request.octets);
    Mapping mapping;
    Pages pages = Pages::small;
    if (request.pages != Wanted::small) {
        mapping = map_memfd(octets, MFD_HUGETLB | MFD_HUGE_2MB);
        pages = Pages::huge;
    }
    if (mapping.octets.empty() && request.pages == Wanted::huge) {
        return failed(Error::Kind::no_memory,
                      std::to_string(octets / huge_page_octets) +
                          " huge pages of 2 MB for the flow table are not free (" +
                          std::strerror(errno) + "); reserve them: echo " +
                          std::to_string(octets / huge_page_octets) +
                          " > /proc/sys/vm/nr_hugepages, or set memory.hugepages = \"auto\"");
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
        return failed(Error::Kind::no_memory,
                      std::to_string(octets >> 20U) + " MiB for the flow table: " +
                          std::strerror(errno) + "; lower flow.flows_max or workers.count");
    }
    Region region(mapping.octets, mapping.descriptor, pages);
    if (request.populate && ::madvise(region.octets_.data(), octets, MADV_POPULATE_WRITE) != 0 &&
        errno != EINVAL) {  // EINVAL: a kernel before 5.14; its pages come with the first packets
        return failed(Error::Kind::no_memory,
                      std::to_string(octets >> 20U) + " MiB for the flow table cannot be filled: " +
                          std::strerror(errno) + "; lower flow.flows_max or free memory");
    }
    return region;
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
