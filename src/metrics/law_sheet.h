#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

inline constexpr std::uint64_t unbounded = std::numeric_limits<std::uint64_t>::max();

// How far the two sides may lie apart while packets are in flight.
struct Allowance {
    std::uint64_t late = 0;   // went in, not seen again yet
    std::uint64_t early = 0;  // seen twice because two of the reads lie apart
};
inline constexpr Allowance exact{};

// Where laws are written as they are evaluated.
class Sheet {
public:
    explicit Sheet(bool settled) : settled_(settled) {}

    // Begins the laws of one key about one thing, such as "worker 2".
    void about(std::string thing, std::string_view key, std::string_view equation) {
        thing_ = std::move(thing);
        key_ = key;
        equation_ = equation;
    }

    // left: what went in; right: where it is now.
    void law(std::string_view unit, std::uint64_t left, std::uint64_t right,
             Allowance allowance = exact) {
        if (settled_) {
            allowance = exact;
        }
        const std::uint64_t apart = left > right ? left - right : right - left;
        const std::uint64_t allowed = left > right ? allowance.late : allowance.early;
        laws_.push_back({.name = unit == key_ ? fmt::format("{}: {}", thing_, key_)
                                              : fmt::format("{}: {} {}", thing_, key_, unit),
                         .key = key_,
                         .equation = equation_,
                         .left = left,
                         .right = right,
                         .imbalance = apart > allowed ? apart - allowed : 0});
    }

    std::vector<Law> take() { return std::move(laws_); }

private:
    bool settled_;
    std::string thing_;
    std::string key_;
    std::string equation_;
    std::vector<Law> laws_;
};

}  // namespace tapmeter::metrics
