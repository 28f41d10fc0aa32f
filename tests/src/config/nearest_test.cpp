#include "src/config/nearest.h"

#include <gtest/gtest.h>
#include <array>

namespace tapmeter::config {
namespace {

constexpr std::array<std::string_view, 5> words{"rx_ring", "queues", "promiscuous", "run", "read"};

TEST(EditDistance, counts_letters_put_in_left_out_replaced_and_swapped) {
    EXPECT_EQ(edit_distance("run", "run"), 0U);
    EXPECT_EQ(edit_distance("run", "RUN"), 0U);
    EXPECT_EQ(edit_distance("run", "rnu"), 1U);
    EXPECT_EQ(edit_distance("run", "ru"), 1U);
    EXPECT_EQ(edit_distance("run", "ruin"), 1U);
    EXPECT_EQ(edit_distance("run", "ran"), 1U);
    EXPECT_EQ(edit_distance("", "run"), 3U);
    EXPECT_EQ(edit_distance("rx_rnig", "rx_ring"), 1U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(EditDistance, does_not_compare_words_beyond_the_limit) {
    const std::string longest(compared_octets_max, 'a');
    EXPECT_EQ(edit_distance(longest, longest), 0U);
    const std::string longer = longest + "a";
    EXPECT_EQ(edit_distance(longer, longer), longer.size());
}

TEST(Nearest, finds_what_was_meant) {
    EXPECT_EQ(nearest("rx_rnig", words), "rx_ring");
    EXPECT_EQ(nearest("queue", words), "queues");
    EXPECT_EQ(nearest("rnu", words), "run");
    EXPECT_EQ(nearest("promisc", words), "promiscuous");  // an abbreviation
}

TEST(Nearest, does_not_guess_wildly) {
    EXPECT_EQ(nearest("xyz", words), std::nullopt);
    EXPECT_EQ(nearest("", words), std::nullopt);
    EXPECT_EQ(nearest("q", words), std::nullopt);
    EXPECT_EQ(nearest(std::string(1'000'000, 'r'), words), std::nullopt);
    EXPECT_EQ(nearest("run", {}), std::nullopt);
    EXPECT_EQ(did_you_mean("xyz", words), "");
    EXPECT_EQ(did_you_mean("rnu", words), "; did you mean \"run\"?");
}

}  // namespace
}  // namespace tapmeter::config
