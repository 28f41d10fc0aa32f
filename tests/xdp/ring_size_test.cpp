#include "xdp/ring_size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tapmeter::xdp {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t gigabit = 1'000'000'000;

TEST(RingSize, without_a_speed_it_is_the_usual_one) {
    EXPECT_EQ(computed_ring(0, 4, 4'096).descriptors, rx_ring_default);
    EXPECT_THAT(computed_ring(0, 4, 4'096).reason, HasSubstr("no speed"));
}

TEST(RingSize, ten_milliseconds_of_smallest_frames_where_they_fit) {
    EXPECT_EQ(computed_ring(gigabit, 8, 4'096).descriptors, rx_ring_default)
        << "1,860 frames a queue: never below the usual";
    EXPECT_EQ(computed_ring(gigabit, 2, 4'096).descriptors, 8'192U) << "7,441 frames";
    EXPECT_EQ(computed_ring(gigabit, 1, 2'048).descriptors, 16'384U) << "14,880 frames";
    EXPECT_THAT(computed_ring(gigabit, 1, 2'048).reason,
                HasSubstr("10 ms at line rate are 14880, this is all of it: 11010 us"));
}

TEST(RingSize, memory_bounds_it_and_the_words_say_so) {
    for (const std::uint32_t frame_octets : {2'048U, 4'096U}) {
        const RingSize ring = computed_ring(100 * gigabit, 4, frame_octets);
        EXPECT_EQ(std::uint64_t{2} * ring.descriptors * frame_octets, computed_frame_octets_max);
        EXPECT_LE(ring.descriptors, rx_ring_max);
        EXPECT_THAT(ring.reason, HasSubstr("64 MiB"));
        EXPECT_THAT(ring.reason, HasSubstr("rx_ring"));
    }
}

}  // namespace
}  // namespace tapmeter::xdp
