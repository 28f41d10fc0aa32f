#include "pipeline/inspect/cycle_budget.h"

#include <gtest/gtest.h>

namespace tapmeter::inspect {
namespace {

TEST(CycleBudget, gives_a_pressed_worker_its_share_and_others_everything) {
    CycleBudget budget({.share_percent = 40, .kept_cycles = 1'000});
    budget.spend(1'000);
    EXPECT_FALSE(budget.allows_packets());
    budget.earn(2, true);  // 0.8 of a cycle is none
    EXPECT_FALSE(budget.allows_packets());
    budget.earn(3, true);
    EXPECT_TRUE(budget.allows_packets());

    budget.spend(1'001);
    budget.earn(1'001, false);
    EXPECT_TRUE(budget.allows_packets());
}

TEST(CycleBudget, keeps_no_more_than_its_limit) {
    CycleBudget budget({.share_percent = 50, .kept_cycles = 1'000});
    budget.earn(1'000'000, false);
    budget.spend(1'000);
    EXPECT_FALSE(budget.allows_packets());
}

TEST(CycleBudget, sheds_signatures_first_then_new_flows_then_those_under_way) {
    CycleBudget budget({.share_percent = 50, .kept_cycles = 1'000});
    EXPECT_TRUE(budget.allows_signatures());
    budget.spend(500);
    EXPECT_FALSE(budget.allows_signatures());
    EXPECT_TRUE(budget.allows_new_flows());
    budget.spend(250);
    EXPECT_FALSE(budget.allows_new_flows());
    EXPECT_TRUE(budget.allows_packets());
    budget.spend(250);
    EXPECT_FALSE(budget.allows_packets());
}

TEST(CycleBudget, gives_up_most_and_then_all_where_the_worker_stays_pressed) {
    CycleBudget budget({.share_percent = 40, .kept_cycles = 1'000});
    budget.spend(1'000);
    budget.shed(1);
    budget.earn(9, true);
    EXPECT_FALSE(budget.allows_packets()) << "a tenth of 9 is none";
    budget.earn(10, true);
    EXPECT_TRUE(budget.allows_packets());
    budget.earn(1'000, false);
    budget.shed(2);
    EXPECT_FALSE(budget.allows_packets());
    budget.shed(0);
    EXPECT_TRUE(budget.allows_packets());
}

TEST(CycleBudget, is_never_short_at_a_hundred_percent) {
    CycleBudget budget({.share_percent = 100, .kept_cycles = 1});
    budget.spend(1'000'000);
    EXPECT_TRUE(budget.allows_signatures());
    EXPECT_TRUE(budget.allows_packets());
}

}  // namespace
}  // namespace tapmeter::inspect
