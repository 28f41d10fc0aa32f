#include "pipeline/base/clock.h"

#include <gtest/gtest.h>

namespace tapmeter {
namespace {

using namespace std::chrono_literals;

class Steps : public ::testing::Test {
protected:
    // The system's clock is so far ahead of the other one, or behind it.
    Nanoseconds note(Nanoseconds ahead, Nanoseconds taken = 1us) {
        const ObservedAt before = clock_.now();
        return steps_.note({.before = before, .wall = before + ahead, .after = before + taken});
    }

    LiveClock clock_;
    ClockSteps steps_{clock_};
};

TEST_F(Steps, are_none_where_nobody_sets_the_clock) {
    EXPECT_EQ(steps_.offset(), 0ns);
    EXPECT_EQ(steps_.look(), 0ns);
    EXPECT_EQ(note(9ms), 0ns) << "nobody sets a clock by so little";
    EXPECT_EQ(steps_.offset(), 0ns);
}

TEST_F(Steps, add_up) {
    EXPECT_EQ(note(3'600s), 3'600s);
    EXPECT_EQ(steps_.offset(), 3'600s);
    EXPECT_EQ(note(3'600s), 0ns) << "told once";
    EXPECT_EQ(note(-1s), -3'601s);
    EXPECT_EQ(steps_.offset(), -1s);
}

TEST_F(Steps, are_not_read_from_a_look_that_was_interrupted) {
    EXPECT_EQ(note(3'600s, 2ms), 0ns);
    EXPECT_EQ(steps_.offset(), 0ns);
    EXPECT_EQ(note(3'600s), 3'600s) << "the next one tells";
}

}  // namespace
}  // namespace tapmeter
