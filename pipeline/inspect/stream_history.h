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
//
// Most directions never say more than a question: beside each window there is a short one, and a
// stream moves into a window when it has outgrown that.
class StreamHistory {
public:
    static constexpr std::size_t short_octets = 1'024;

    // One direction's; all zero at the start, back through forget().
    struct Place {
        std::uint32_t window = 0;  // number, short ones behind the others; 0: none
        std::uint32_t octets = 0;
    };

    // errors  no_memory
    static Result<StreamHistory> reserve(std::size_t window_octets, std::size_t windows,
                                         bool populate) {
        auto region =
            Region::reserve({.octets = octets_for(window_octets, windows), .populate = populate});
        if (!region) {
            return failed(Error::Kind::no_memory,
                          "no memory for the streams of " + std::to_string(windows) +
                              " directions; lower signatures.streams_max or workers.count");
        }
        return StreamHistory(std::move(*region), window_octets, windows);
    }
    // Memory that reserve() takes.
    static constexpr std::size_t octets_for(std::size_t window_octets,
                                            std::size_t windows) noexcept {
        return windows * window_octets + shorts_for(window_octets, windows) * short_octets;
    }

    // The stream with `part` at its end. A view until the next call for this place; only `part`
    // where no window is free, which is counted, or where it alone fills one.
    Bytes extend(Place& place, Bytes part) noexcept {
        if (place.octets + part.size() > window_octets_) {
            place.octets = 0;
        }
        if (part.size() > window_octets_ || !has_room(place, place.octets + part.size())) {
            place.octets = 0;
            return part;
        }
        const auto window = window_of(place.window);
        std::ranges::copy(part, window.subspan(place.octets).begin());
        place.octets += static_cast<std::uint32_t>(part.size());
        return window.first(place.octets);
    }

    // What comes next does not touch what was: octets are missing between them.
    static void restart(Place& place) noexcept { place.octets = 0; }

    void forget(Place& place) noexcept {
        give_back(place.window);
        place = {};
    }

    std::size_t windows_taken() const noexcept { return long_.taken() + short_.taken(); }
    std::size_t octets_taken() const noexcept {
        return long_.taken() * window_octets_ + short_.taken() * short_octets;
    }
    std::uint64_t refused() const noexcept { return refused_; }

private:
    // Which windows of one size are free. The last one used comes first: it is still in the cache.
    class Numbers {
    public:
        explicit Numbers(std::size_t count) : count_(count) {
            free_.reserve(count);  // give_back() never allocates
        }
        // From 1 on; 0: none is free.
        std::uint32_t take() noexcept {
            if (free_.empty()) {
                return never_used_ < count_ ? ++never_used_ : 0;
            }
            const std::uint32_t number = free_.back();
            free_.pop_back();
            return number;
        }
        void give_back(std::uint32_t number) noexcept { free_.push_back(number); }
        std::size_t taken() const noexcept { return never_used_ - free_.size(); }

    private:
        std::size_t count_;
        std::uint32_t never_used_ = 0;
        std::vector<std::uint32_t> free_;
    };

    StreamHistory(Region region, std::size_t window_octets, std::size_t windows)
        : region_(std::move(region)),
          window_octets_(window_octets),
          windows_(windows),
          long_(windows),
          short_(shorts_for(window_octets, windows)) {}

    static constexpr std::size_t shorts_for(std::size_t window_octets,
                                            std::size_t windows) noexcept {
        return window_octets > short_octets ? windows : 0;
    }
    bool is_short(std::uint32_t window) const noexcept { return window > windows_; }
    std::span<std::byte> window_of(std::uint32_t window) const noexcept {
        return is_short(window)
                   ? region_.octets().subspan(
                         windows_ * window_octets_ + (window - windows_ - 1) * short_octets,
                         short_octets)
                   : region_.octets().subspan((window - 1) * window_octets_, window_octets_);
    }

    // The place's window holds so many octets, those that it had among them.
    bool has_room(Place& place, std::size_t octets) noexcept {
        if (place.window != 0 && octets <= window_of(place.window).size()) {
            return true;
        }
        const std::uint32_t larger = window_for(octets);
        if (larger == 0) {
            ++refused_;
            return false;
        }
        if (place.window != 0) {
            std::ranges::copy(window_of(place.window).first(place.octets),
                              window_of(larger).begin());
            give_back(place.window);
        }
        place.window = larger;
        return true;
    }
    // A free one of the shortest that will do; 0: none.
    std::uint32_t window_for(std::size_t octets) noexcept {
        const std::uint32_t number = octets <= short_octets ? short_.take() : 0;
        return number != 0 ? number + static_cast<std::uint32_t>(windows_) : long_.take();
    }
    void give_back(std::uint32_t window) noexcept {
        if (window == 0) {
            return;
        }
        if (is_short(window)) {
            short_.give_back(window - static_cast<std::uint32_t>(windows_));
        } else {
            long_.give_back(window);
        }
    }

    Region region_;
    std::size_t window_octets_;
    std::size_t windows_;
    Numbers long_;
    Numbers short_;
    std::uint64_t refused_ = 0;
};

}  // namespace tapmeter::inspect
