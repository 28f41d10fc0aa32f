#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/region.h"
#include "pipeline/base/result.h"
#include "pipeline/inspect/metadata.h"

namespace tapmeter::inspect {

// What was found in flows that have not left yet: as many as memory was taken for at the start.
// One thread.
class MetadataPool {
public:
    // errors  no_memory
    static Result<MetadataPool> reserve(std::size_t count, bool populate) {
        auto region = Region::reserve({.octets = count * sizeof(Metadata), .populate = populate});
        if (!region) {
            return failed(Error::Kind::no_memory,
                          "no memory for what is found in " + std::to_string(count) +
                              " flows; lower dpi.metadata_max or workers.count");
        }
        return MetadataPool(std::move(*region), count);
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

    Metadata& at(std::uint32_t number) noexcept { return places_[number - 1]; }
    const Metadata& at(std::uint32_t number) const noexcept { return places_[number - 1]; }

    std::size_t taken() const noexcept { return never_used_ - free_.size(); }

private:
    MetadataPool(Region region, std::size_t count) : region_(std::move(region)) {
        void* const first = region_.octets().data();  // zeroed: an array of empty ones
        places_ = {static_cast<Metadata*>(first), count};
        free_.reserve(count);  // release() never allocates
    }

    Region region_;
    std::span<Metadata> places_;
    std::vector<std::uint32_t> free_;
    std::uint32_t never_used_ = 0;
};

}  // namespace tapmeter::inspect
