#include "src/capture_files/time_scale.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace tapmeter::capture_files {
namespace {

constexpr std::uint64_t ticks_max = std::numeric_limits<std::uint64_t>::max();
constexpr std::int64_t seconds_max = std::numeric_limits<std::int64_t>::max();
constexpr std::uint8_t power_of_two = 0x80;

struct Case {
    const char* name;
    std::uint8_t resolution;
    std::int64_t offset_seconds;
    std::uint64_t ticks;
    std::int64_t ns;
};

class TimeScaleAt : public ::testing::TestWithParam<Case> {};

TEST_P(TimeScaleAt, answers) {
    const Case& c = GetParam();
    const TimeScale scale(c.resolution, c.offset_seconds);
    EXPECT_EQ(scale.at(c.ticks).time_since_epoch().count(), c.ns);
}

INSTANTIATE_TEST_SUITE_P(
    , TimeScaleAt,
    ::testing::Values(
        Case{"seconds", 0, 0, 3, 3'000'000'000}, Case{"milliseconds", 3, 0, 3, 3'000'000},
        Case{"microseconds", 6, 0, 1'500'000'000'000'001, 1'500'000'000'000'001'000},
        Case{"nanoseconds", 9, 0, 1'500'000'000'000'000'001, 1'500'000'000'000'000'001},
        Case{"tenths_of_a_nanosecond", 10, 0, 19, 1}, Case{"picoseconds", 12, 0, 1'999, 1},
        Case{"picoseconds_largest", 12, 0, ticks_max, 18'446'744'073'709'551},
        Case{"ten_to_minus_28", 28, 0, ticks_max, 1}, Case{"ten_to_minus_29", 29, 0, ticks_max, 0},
        Case{"ten_to_minus_127", 127, 0, ticks_max, 0},
        Case{"two_to_0", power_of_two, 0, 7, 7'000'000'000},
        Case{"two_to_minus_1", power_of_two + 1, 0, 3, 1'500'000'000},
        Case{"two_to_minus_20", power_of_two + 20, 0, (5ULL << 20U) + (1ULL << 19U), 5'500'000'000},
        Case{"ntp_fraction", power_of_two + 32, 0, (9ULL << 32U) + 1, 9'000'000'000},
        Case{"two_to_minus_63", power_of_two + 63, 0, 1ULL << 63U, 1'000'000'000},
        Case{"two_to_minus_64", power_of_two + 64, 0, 1ULL << 63U, 500'000'000},
        Case{"two_to_minus_127", power_of_two + 127, 0, ticks_max, 0},
        Case{"offset", 6, 1'000, 2, 1'000'000'002'000},
        Case{"negative_offset", 6, -1'000, 2, -999'999'998'000},
        Case{"product_beyond_64_bits", 6, 0, ticks_max, time_bound_ns},
        Case{"sum_beyond_the_bound", 9, 10, static_cast<std::uint64_t>(time_bound_ns) - 5,
             time_bound_ns},
        Case{"at_the_bound", 9, 0, static_cast<std::uint64_t>(time_bound_ns), time_bound_ns},
        Case{"below_the_bound", 9, 0, static_cast<std::uint64_t>(time_bound_ns) - 1,
             time_bound_ns - 1},
        Case{"shift_beyond_64_bits", power_of_two, 0, ticks_max, time_bound_ns},
        Case{"offset_largest", 6, seconds_max, ticks_max, time_bound_ns},
        Case{"offset_smallest", 6, -seconds_max - 1, 0, -time_bound_ns},
        Case{"offset_smallest_time_largest", 9, -seconds_max - 1, ticks_max, time_bound_ns}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(TimeScale, is_microseconds_where_nothing_is_said) {
    EXPECT_EQ(TimeScale{}.at(5).time_since_epoch().count(), 5'000);
}

}  // namespace
}  // namespace tapmeter::capture_files
