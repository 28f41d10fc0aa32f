#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "pipeline/base/kept_memory.h"
#include "pipeline/base/result.h"

namespace tapmeter {

// Memory for one shard, taken whole at the start and given back whole at the end. Zeroed.
//
// Pages are the largest to be had: reserved 2 MB pages (a memfd on hugetlbfs), transparent huge
// pages, 4 KB pages. Large pages are worth a factor of almost two in a table beyond the last
// cache: every miss would otherwise be a miss of the TLB too.
class Region {
public:
    enum class Pages : unsigned char { huge, transparent, small };
    enum class Wanted : unsigned char { automatic, huge, small };  // huge: an error without them
    struct Request {
        std::size_t octets = 0;
        Wanted pages = Wanted::automatic;
        bool populate = false;  // touch every page now, so that no packet pays for it later
        // Where it is to be found again when this process is gone; null: it goes with the process.
        // Outlives the region.
        const KeptMemory* kept = nullptr;
        bool adopt = false;  // what an earlier process left there stays as it is; else zeroed
    };

    // errors  no_memory, naming the octets asked for and what to free or reserve;
    //         invalid_config  to adopt, and nobody left so many octets
    static Result<Region> reserve(const Request& request);

    // Whether a region of so many octets could be adopted there.
    static bool is_left(const KeptMemory& kept, std::size_t octets) noexcept;

    Region(Region&& other) noexcept;
    Region& operator=(Region&& other) noexcept;
    Region(const Region&) = delete;
    Region& operator=(const Region&) = delete;
    ~Region();

    std::span<std::byte> octets() const noexcept { return octets_; }
    Pages pages() const noexcept { return pages_; }

private:
    Region(std::span<std::byte> octets, int descriptor, Pages pages) noexcept
        : octets_(octets), descriptor_(descriptor), pages_(pages) {}

    static Result<Region> adopted(const Request& request, std::size_t octets);
    static Result<Region> kept(const Request& request, std::size_t octets);
    static Result<Region> filled(Region region, const Request& request);
    void settle_kept(Wanted wanted, bool populate) noexcept;

    std::span<std::byte> octets_;
    int descriptor_ = -1;  // our own memfd of huge pages; -1: anonymous memory, or kept by others
    Pages pages_ = Pages::small;
};

std::string_view name_of(Region::Pages pages) noexcept;

}  // namespace tapmeter
