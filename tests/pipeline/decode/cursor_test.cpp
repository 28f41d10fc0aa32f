#include "pipeline/decode/cursor.h"

#include <gtest/gtest.h>

#include <array>

namespace tapmeter::decode {
namespace {

constexpr std::array<std::byte, 8> octets{std::byte{0}, std::byte{1}, std::byte{2}, std::byte{3},
                                          std::byte{4}, std::byte{5}, std::byte{6}, std::byte{7}};

TEST(Cursor, holds_up_to_the_last_octet_and_no_more) {
    const Cursor rest{octets, octets.size()};

    EXPECT_TRUE(rest.holds(7));
    EXPECT_TRUE(rest.holds(8));
    EXPECT_FALSE(rest.holds(9));
}

TEST(Cursor, taking_moves_and_peeking_does_not) {
    Cursor rest{octets, octets.size()};

    EXPECT_EQ(load_be16(rest.peek<2>()), 0x0001);
    EXPECT_EQ(load_be16(rest.take<2>()), 0x0001);
    EXPECT_EQ(load_be16(rest.peek<2>()), 0x0203);
    rest.skip(6);
    EXPECT_TRUE(rest.captured().empty());
}

TEST(Cursor, what_the_snap_length_cut_off_stays_known) {
    Cursor rest{octets, 100};

    rest.skip(3);

    EXPECT_EQ(rest.captured().size(), 5);
    EXPECT_EQ(rest.wire_octets(), 97);
}

TEST(Cursor, a_wire_length_below_the_capture_is_raised) {
    EXPECT_EQ(Cursor(octets, 7).wire_octets(), 8);
    EXPECT_EQ(Cursor(octets, 8).wire_octets(), 8);
    EXPECT_EQ(Cursor(octets, 9).wire_octets(), 9);
}

struct Cut {
    std::size_t wire_octets;
    std::size_t to;
    std::size_t captured_left;
    std::size_t wire_left;
};

class CursorCut : public ::testing::TestWithParam<Cut> {};

TEST_P(CursorCut, ends_the_layer_but_never_lengthens_it) {
    const Cut& cut = GetParam();
    Cursor rest{octets, cut.wire_octets};

    rest.cut_to(cut.to);

    EXPECT_EQ(rest.captured().size(), cut.captured_left);
    EXPECT_EQ(rest.wire_octets(), cut.wire_left);
}

INSTANTIATE_TEST_SUITE_P(, CursorCut,
                         ::testing::Values(Cut{8, 0, 0, 0}, Cut{8, 7, 7, 7}, Cut{8, 8, 8, 8},
                                           Cut{8, 9, 8, 8}, Cut{20, 7, 7, 7}, Cut{20, 8, 8, 8},
                                           Cut{20, 9, 8, 9}, Cut{20, 19, 8, 19}, Cut{20, 20, 8, 20},
                                           Cut{20, 21, 8, 20}));

TEST(CursorDeathTest, taking_without_asking_stops_the_program) {
    Cursor rest{std::span{octets}.first(3), 3};

    EXPECT_DEATH(rest.take<4>(), "broken expectation");
    EXPECT_DEATH(rest.skip(4), "broken expectation");
}

}  // namespace
}  // namespace tapmeter::decode
