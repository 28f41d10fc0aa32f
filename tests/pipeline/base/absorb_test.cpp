#include "pipeline/base/absorb.h"

#include <gtest/gtest.h>

namespace tapmeter {
namespace {

constexpr std::uint64_t gigabit = 1'000'000'000;

// The numbers that every tester of networks knows by heart (RFC 2544, Ethernet).
TEST(Absorb, line_rate_is_what_the_wire_carries) {
    EXPECT_EQ(frames_per_second(10 * gigabit, 60), 14'880'952U);
    EXPECT_EQ(frames_per_second(100 * gigabit, 60), 148'809'523U);
    EXPECT_EQ(frames_per_second(10 * gigabit, 1'514), 812'743U);
    EXPECT_EQ(frames_per_second(0, 60), 0U);
}

TEST(Absorb, ten_milliseconds_of_smallest_frames_shared_by_the_queues) {
    EXPECT_EQ(frames_to_absorb(10 * gigabit, 1), 148'809U);
    EXPECT_EQ(frames_to_absorb(10 * gigabit, 2), 74'405U) << "rounded up: none may be missing";
    EXPECT_EQ(frames_to_absorb(100 * gigabit, 8), 186'012U);
    EXPECT_EQ(frames_to_absorb(0, 4), 0U);
}

TEST(Absorb, a_ring_lasts_so_long) {
    const std::uint64_t smallest = frames_per_second(100 * gigabit, 60);
    EXPECT_EQ(absorbed_by(frames_to_absorb(100 * gigabit, 8), 8, smallest), absorb_time);
    EXPECT_EQ(absorbed_by(4'096, 8, smallest).count(), 220);
    EXPECT_EQ(absorbed_by(4'096, 8, 0).count(), 0);
}

}  // namespace
}  // namespace tapmeter
