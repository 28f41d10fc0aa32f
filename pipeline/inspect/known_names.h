#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/expects.h"
#include "pipeline/base/ring.h"
#include "pipeline/inspect/dns_opening.h"

namespace tapmeter::inspect {

// A name that was asked for, and a number for all else that what is told may depend on.
struct AskedName {
    std::string_view name;  // 1 to plain_name_octets_max octets
    std::uint16_t circumstances = 0;

    std::uint64_t hash() const noexcept {
        constexpr std::uint64_t odd = 0x9E37'79B9'7F4A'7C15;
        return std::hash<std::string_view>{}(name) ^ circumstances * odd;
    }
};

// What was told of names that were asked for before: a fixed number of places, of which two are a
// name's; compared octet by octet. One thread.
template <class Told>
class KnownNames {
public:
    // places  a power of two, 2 and more, or 0: nothing is remembered
    explicit KnownNames(std::size_t places) : places_(places) {
        expects(places == 0 || (std::has_single_bit(places) && places >= 2));
    }

    static constexpr std::uint64_t octets_for(std::size_t places) noexcept {
        return places * sizeof(Place);
    }
    bool empty() const noexcept { return places_.empty(); }

    // Null: it is not known, or not any more.
    // hash  the name's
    const Told* find(const AskedName& asked, std::uint64_t hash) const noexcept {
        for (const std::size_t at : places_of(hash)) {
            if (places_[at].holds(asked)) {
                return &places_[at].told;
            }
        }
        return nullptr;
    }

    // A name that is not known. Where both of its places are taken it gets one of them.
    void learn(const AskedName& asked, std::uint64_t hash, const Told& told) noexcept {
        const auto [first, second] = places_of(hash);
        const bool first_is_free = places_[first].octets == 0;
        Place& place = places_[first_is_free || turn_ ? first : second];
        turn_ = !turn_;
        std::ranges::copy(asked.name, place.name.begin());
        place.octets = static_cast<std::uint8_t>(asked.name.size());
        place.circumstances = asked.circumstances;
        place.told = told;
    }

private:
    struct alignas(cache_line_octets) Place {
        PlainName name{};
        std::uint8_t octets = 0;  // of the name; 0: none stands here
        std::uint16_t circumstances = 0;
        Told told{};

        bool holds(const AskedName& asked) const noexcept {
            return octets == asked.name.size() && circumstances == asked.circumstances &&
                   std::equal(asked.name.begin(), asked.name.end(), name.begin());
        }
    };

    std::array<std::size_t, 2> places_of(std::uint64_t hash) const noexcept {
        const std::uint64_t mask = places_.size() - 1;
        return {hash & mask, hash >> 32U & mask};
    }

    std::vector<Place> places_;
    bool turn_ = false;  // which of two goes next
};

}  // namespace tapmeter::inspect
