#pragma once

#include <cmath>
#include <cstdint>

namespace tapmeter {

// What was counted, and what it stands for: while 1 in 2^k flows is metered, each of them stands
// for 2^k. Sums of values divided by the probability with which they were chosen (Horvitz and
// Thompson, 1952): right on average, whatever the values, because the choice is by a keyed hash
// and so does not know them.
struct SampledSum {
    std::uint64_t counted = 0;
    double estimated = 0;
    // Of `estimated`, as estimated from the sample: sum of (1 - p) / p^2 × value^2 over flows.
    double variance = 0;
};

// Of the flows that were metered while not all were; aggregates are counted in packets and octets
// only, as if each packet were a flow, because nobody knows how many they hold.
struct SampledTotals {
    SampledSum flows{};
    SampledSum packets{};
    SampledSum octets{};
};

// Half the width of the interval around an estimate that holds the truth 19 times in 20, by the
// normal distribution: many flows, none of which is most of the sum.
inline double error_bound(double variance) noexcept {
    constexpr double two_sided_95 = 1.96;
    return two_sided_95 * std::sqrt(variance > 0 ? variance : 0);
}

namespace sampling {

// 2^k, the inverse of the probability to be chosen.
constexpr double weight_of(unsigned exponent) noexcept {
    return static_cast<double>(std::uint64_t{1} << exponent);
}

// (1 - p) / p^2 for p = 2^-k.
constexpr double variance_factor(unsigned exponent) noexcept {
    return weight_of(exponent) * (weight_of(exponent) - 1);
}

// One more record of a chosen flow.
// value   what the record counts
// before  what earlier records of the flow counted: parts of one flow are chosen together, so
//         their variances do not add up, the one of their sum counts
inline void add(SampledSum& sum, std::uint64_t value, double before, unsigned exponent) noexcept {
    const auto now = static_cast<double>(value);
    sum.counted += value;
    sum.estimated += weight_of(exponent) * now;
    sum.variance += variance_factor(exponent) * now * (now + 2 * before);
}

// As many units as `units`, chosen each for itself and alike, that add up to `total`.
inline void add_units(SampledSum& sum, std::uint64_t units, std::uint64_t total,
                      unsigned exponent) noexcept {
    const auto all = static_cast<double>(total);
    sum.counted += total;
    sum.estimated += weight_of(exponent) * all;
    sum.variance += variance_factor(exponent) * all * all / static_cast<double>(units);
}

// One of the units of which each is chosen for itself, with probability 1 / `one_in`.
inline void add_chosen(SampledSum& sum, std::uint64_t value, std::uint32_t one_in) noexcept {
    const double weight = one_in;
    const auto now = static_cast<double>(value);
    sum.counted += value;
    sum.estimated += weight * now;
    sum.variance += weight * (weight - 1) * now * now;
}

// A flow that was counted once at `from` stands for fewer flows from now on.
inline void reweigh_unit(SampledSum& sum, unsigned from, unsigned to) noexcept {
    sum.estimated -= weight_of(from) - weight_of(to);
    sum.variance -= variance_factor(from) - variance_factor(to);
}

}  // namespace sampling

}  // namespace tapmeter
