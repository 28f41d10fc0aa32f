#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/base/region.h"
#include "pipeline/base/result.h"

namespace tapmeter::inspect {

// What streams have carried so far, in one piece, for whoever must see it again with each new part
// of it. As many directions at one time as memory was taken for at the start. One thread.
class StreamHistory {
public:
    // One direction's; all zero at the start, back through forget().
    struct Place {
        std::uint32_t window = 0;  // number plus one; 0: none
        std::uint32_t octets = 0;
    };

    // errors  no_memory
    static Result<StreamHistory> reserve(std::size_t window_octets, std::size_t windows,
                                         bool populate) {
        auto region = Region::reserve({.octets = window_octets * windows, .populate = populate});
        if (!region) {
            return failed(Error::Kind::no_memory,
                          "no memory for the streams of " + std::to_string(windows) +
                              " directions; lower signatures.streams_max or workers.count");
        }
        return StreamHistory(std::move(*region), window_octets, windows);
    }

    // The stream with `part` at its end. A view until the next call for this place; only `part`
    // where no window is free, which is counted, or where it alone fills one.
    Bytes extend(Place& place, Bytes part) noexcept {
        if (part.size() > window_octets_ || !has_window(place)) {
            place.octets = 0;
            return part;
        }
        if (place.octets + part.size() > window_octets_) {
            place.octets = 0;
        }
        const auto window =
            region_.octets().subspan((place.window - 1) * window_octets_, window_octets_);
        std::ranges::copy(part, window.subspan(place.octets).begin());
        place.octets += static_cast<std::uint32_t>(part.size());
        return window.first(place.octets);
    }

    // What comes next does not touch what was: octets are missing between them.
    static void restart(Place& place) noexcept { place.octets = 0; }

    void forget(Place& place) noexcept {
        if (place.window != 0) {
            free_.push_back(place.window);  // never grows: all of them were there at the start
        }
        place = {};
    }

    std::size_t windows_taken() const noexcept { return never_used_ - free_.size(); }
    std::uint64_t refused() const noexcept { return refused_; }

private:
    StreamHistory(Region region, std::size_t window_octets, std::size_t windows)
        : region_(std::move(region)), window_octets_(window_octets), windows_(windows) {
        free_.reserve(windows);
    }

    bool has_window(Place& place) noexcept {
        if (place.window == 0 && !free_.empty()) {
            place.window = free_.back();
            free_.pop_back();
        } else if (place.window == 0 && never_used_ < windows_) {
            place.window = ++never_used_;
        } else if (place.window == 0) {
            ++refused_;
        }
        return place.window != 0;
    }

    Region region_;
    std::size_t window_octets_;
    std::size_t windows_;
    std::uint32_t never_used_ = 0;
    std::vector<std::uint32_t> free_;  // the last one used first: it is still in the cache
    std::uint64_t refused_ = 0;
};

}  // namespace tapmeter::inspect
