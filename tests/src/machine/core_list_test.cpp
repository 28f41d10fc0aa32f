#include "src/machine/core_list.h"

#include <gtest/gtest.h>

namespace tapmeter::machine {
namespace {

TEST(CoreList, reads_what_the_kernel_writes) {
    EXPECT_EQ(parse_cores("0-3,8,10-11\n"), (CoreList{0, 1, 2, 3, 8, 10, 11}));
    EXPECT_EQ(parse_cores("5"), CoreList{5});
    EXPECT_EQ(parse_cores("8,2,2-3"), (CoreList{2, 3, 8})) << "sorted, none twice";
    EXPECT_EQ(parse_cores(""), CoreList{});
    EXPECT_EQ(parse_cores("(null)\n"), CoreList{}) << "nohz_full of a kernel started without it";
    EXPECT_EQ(parse_cores("4096")->size(), 1U);
}

TEST(CoreList, refuses_what_is_none) {
    for (const char* text : {"x", "1-", "-1", "3-1", "1,,2", ",", "1.5", "4097", "0-99999999999"}) {
        EXPECT_FALSE(parse_cores(text)) << text;
    }
}

TEST(CoreList, writes_ranges) {
    EXPECT_EQ(text_of({0, 1, 2, 3, 8, 10, 11}), "0-3,8,10-11");
    EXPECT_EQ(text_of({}), "");
    EXPECT_EQ(text_of({7}), "7");
}

TEST(CoreList, sets) {
    EXPECT_EQ(without({1, 2, 3}, {2}), (CoreList{1, 3}));
    EXPECT_EQ(both({1, 2, 3}, {0, 2, 3, 4}), (CoreList{2, 3}));
    EXPECT_TRUE(contains({1, 2}, 2));
    EXPECT_FALSE(contains({1, 2}, 3));
}

}  // namespace
}  // namespace tapmeter::machine
