#include "src/metrics/skew.h"

#include <gtest/gtest.h>

#include <array>

namespace tapmeter::metrics {
namespace {

using namespace std::chrono_literals;
using Packets = SkewMeter::Packets;

TEST(Skew, is_the_busiest_queue_to_the_mean) {
    EXPECT_DOUBLE_EQ(skew_of(std::array<std::uint64_t, 4>{100, 100, 100, 100}), 1.0);
    EXPECT_DOUBLE_EQ(skew_of(std::array<std::uint64_t, 4>{0, 0, 400, 0}), 4.0);
    EXPECT_DOUBLE_EQ(skew_of(std::array<std::uint64_t, 2>{300, 100}), 1.5);
}

TEST(Skew, says_nothing_of_one_queue_or_of_few_packets) {
    EXPECT_DOUBLE_EQ(skew_of(std::array<std::uint64_t, 1>{1'000}), 1.0);
    EXPECT_DOUBLE_EQ(skew_of(std::array<std::uint64_t, 2>{199, 0}), 1.0);
    EXPECT_DOUBLE_EQ(skew_of(std::array<std::uint64_t, 2>{200, 0}), 2.0);
    EXPECT_DOUBLE_EQ(skew_of({}), 1.0);
}

TEST(SkewMeter, tells_what_came_between_two_looks_not_since_the_start) {
    SkewMeter meter;
    const SkewMeter::Clock::time_point start{1h};
    EXPECT_EQ(meter.look({Packets{1'000, 1'000}, Packets{500}}, start),
              (std::vector<double>{1.0, 1.0}));
    EXPECT_EQ(meter.look({Packets{2'000, 1'000}, Packets{500}}, start + 999ms),
              (std::vector<double>{1.0, 1.0}))
        << "too soon";
    EXPECT_EQ(meter.look({Packets{2'000, 1'000}, Packets{9'000}}, start + 1s),
              (std::vector<double>{2.0, 1.0}));
    EXPECT_EQ(meter.look({Packets{2'300, 1'100}, Packets{9'000}}, start + 2s),
              (std::vector<double>{1.5, 1.0}));
}

TEST(SkewMeter, the_first_look_tells_of_everything_so_far) {
    SkewMeter meter;
    EXPECT_EQ(meter.look({Packets{600, 200}}, SkewMeter::Clock::time_point{1h}),
              std::vector<double>{1.5});
}

}  // namespace
}  // namespace tapmeter::metrics
