#include "src/appliance/overload.h"

#include <gtest/gtest.h>

namespace tapmeter {
namespace {

TEST(Overload, what_was_left_to_us_follows_from_the_table_and_its_timeout) {
    Config config;
    config.flow.flows_max = 300'000;
    config.flow.idle_timeout = std::chrono::seconds(30);
    EXPECT_DOUBLE_EQ(load_levels(config, false).flood_new_flows, 10'000);
    EXPECT_DOUBLE_EQ(admission_limits(config, false).flood_flows, 5'000);
    config.overload.new_flows = 800;
    EXPECT_DOUBLE_EQ(load_levels(config, false).flood_new_flows, 800);
    EXPECT_DOUBLE_EQ(admission_limits(config, false).flood_flows, 400);
    config.overload.flows_let_in = 70;
    EXPECT_DOUBLE_EQ(admission_limits(config, false).flood_flows, 70);
}

TEST(Overload, percentages_become_shares) {
    Config config;
    config.overload.table_warm = 10;
    config.overload.table_hot = 20;
    config.overload.ring_warm = 30;
    config.overload.ring_hot = 40;
    config.overload.backlog_warm = 50;
    config.overload.backlog_hot = 60;
    config.overload.flood_table = 70;
    config.overload.leave = 90;
    const LoadLevels levels = load_levels(config, false);
    EXPECT_DOUBLE_EQ(levels.table.warm, 0.1);
    EXPECT_DOUBLE_EQ(levels.table.hot, 0.2);
    EXPECT_DOUBLE_EQ(levels.ring.warm, 0.3);
    EXPECT_DOUBLE_EQ(levels.ring.hot, 0.4);
    EXPECT_DOUBLE_EQ(levels.backlog.warm, 0.5);
    EXPECT_DOUBLE_EQ(levels.backlog.hot, 0.6);
    EXPECT_DOUBLE_EQ(levels.flood_table, 0.7);
    EXPECT_DOUBLE_EQ(levels.leave, 0.9);
}

TEST(Overload, the_largest_sample_is_a_power_of_two_told_as_its_exponent) {
    Config config;
    EXPECT_EQ(load_levels(config, false).sampling_exponent_max, 6U);
    config.overload.sample_flows_max = 1;
    EXPECT_EQ(load_levels(config, false).sampling_exponent_max, 0U);
    config.overload.sample_flows_max = 65'536;
    EXPECT_EQ(load_levels(config, false).sampling_exponent_max, sampling_exponent_limit);
}

TEST(Overload, a_recording_waits_instead_of_being_sampled_or_aggregated) {
    Config config;
    EXPECT_EQ(load_levels(config, true).sampling_exponent_max, 0U);
    EXPECT_TRUE(admission_limits(config, false).aggregates);
    EXPECT_FALSE(admission_limits(config, true).aggregates);
    config.overload.aggregate = Config::Switch::on;
    EXPECT_TRUE(admission_limits(config, true).aggregates);
    config.overload.aggregate = Config::Switch::off;
    EXPECT_FALSE(admission_limits(config, false).aggregates);
}

}  // namespace
}  // namespace tapmeter
