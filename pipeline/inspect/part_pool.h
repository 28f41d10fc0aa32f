#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "pipeline/base/region.h"
#include "pipeline/base/result.h"

namespace tapmeter::inspect {

// Parts that few flows need at one time: as many as memory was taken for at the start, named by
// numbers from 1 on. Plain octets, all zero where they are fresh. One thread.
template <class Part>
class PartPool {
    static_assert(std::is_trivially_copyable_v<Part>, "begins as zeroed memory");

public:
    // errors  no_memory; what to lower is the caller's to say
    static Result<PartPool> reserve(std::size_t count, bool populate) {
        auto region = Region::reserve({.octets = count * sizeof(Part), .populate = populate});
        if (!region) {
            return tl::unexpected<Error>(std::move(region.error()));
        }
        return PartPool(std::move(*region), count);
    }

    // The number of an empty one, for at() and release(); 0: none is free.
    std::uint32_t take() noexcept {
        if (!free_.empty()) {
            const std::uint32_t number = free_.back();
            free_.pop_back();
            at(number) = {};
            return number;
        }
        return never_used_ < places_.size() ? ++never_used_ : 0;
    }
    void release(std::uint32_t number) noexcept { free_.push_back(number); }

    Part& at(std::uint32_t number) noexcept { return places_[number - 1]; }
    const Part& at(std::uint32_t number) const noexcept { return places_[number - 1]; }

    std::size_t taken() const noexcept { return never_used_ - free_.size(); }

private:
    PartPool(Region region, std::size_t count) : region_(std::move(region)) {
        void* const first = region_.octets().data();  // zeroed: an array of empty ones
        places_ = {static_cast<Part*>(first), count};
        free_.reserve(count);  // release() never allocates
    }

    Region region_;
    std::span<Part> places_;
    std::vector<std::uint32_t> free_;
    std::uint32_t never_used_ = 0;
};

}  // namespace tapmeter::inspect
