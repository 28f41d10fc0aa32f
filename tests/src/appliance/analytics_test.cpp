#include "src/appliance/analytics.h"

#include <gtest/gtest.h>

namespace tapmeter {
namespace {

using namespace std::chrono_literals;

TEST(AnalyticsSettings, say_what_the_configuration_says) {
    Config config;
    EXPECT_FALSE(analytics_settings(config, true).tcp);
    EXPECT_TRUE(analytics_settings(config, true).tunnels);
    EXPECT_FALSE(analytics_settings(config, true).populate);
    EXPECT_TRUE(analytics_settings(config, false).populate);
    config.flow.flows_max = 2'048;
    EXPECT_EQ(analytics_settings(config, true).tunnels_max, 2'048U) << "no more than flows";
}

TEST(AnalyticsSettings, a_window_for_each_capture) {
    Config config;
    config.captures.resize(3);
    EXPECT_FALSE(duplicates_settings(config, true).any());
    config.captures[1].dedup = 2ms;
    const auto settings = duplicates_settings(config, true);
    ASSERT_EQ(settings.windows.size(), 3U);
    EXPECT_EQ(settings.windows[1], 2ms);
    EXPECT_EQ(settings.windows[2], 0ms);
}

TEST(AnalyticsMemory, is_known_beforehand_and_none_where_all_is_off) {
    Config config;
    config.analytics = {.tcp = false, .tunnels = false, .behaviour = false};
    EXPECT_EQ(analytics_octets(config, 4), 0U);
    EXPECT_EQ(*make_analytics(config, true, 100), nullptr);
    EXPECT_EQ(*make_duplicates(config, true, {1, 2}), nullptr);
    config.analytics.tcp = true;
    const std::uint64_t one = analytics_octets(config, 1);
    EXPECT_NEAR(static_cast<double>(one) / static_cast<double>(config.flow.flows_max), 427, 1);
    EXPECT_EQ(analytics_octets(config, 3), 3 * one);
    config.captures.resize(1);
    config.captures[0].dedup = 1ms;
    EXPECT_EQ(analytics_octets(config, 1), one + (4U << 20U));
}

TEST(AnalyticsMemory, a_ring_has_slots_for_the_parts_that_are_on) {
    Config config;
    config.dpi.enabled = false;
    EXPECT_EQ(part_slots(config, 64), (std::array<std::size_t, 5>{0, 0, 64, 0, 0}));
    config.dpi.enabled = true;
    config.analytics = {.tcp = true, .tunnels = false, .behaviour = true};
    EXPECT_EQ(part_slots(config, 64), (std::array<std::size_t, 5>{64, 64, 0, 64, 0}));
}

}  // namespace
}  // namespace tapmeter
