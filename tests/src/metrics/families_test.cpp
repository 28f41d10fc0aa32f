#include "src/metrics/families.h"

#include <gtest/gtest.h>

#include <array>

namespace tapmeter::metrics {
namespace {

TEST(Families, series_belong_to_the_family_opened_last) {
    Families families;
    families.counter("first_total", "One.").add({}, std::uint64_t{1});
    families.gauge("second", "Two.").add({{"worker", "0"}}, 0.5).add({{"worker", "1"}}, 0.25);

    const auto taken = families.take();

    ASSERT_EQ(taken.size(), 2U);
    EXPECT_EQ(taken[0].name, "first_total");
    EXPECT_EQ(taken[0].type, prometheus::MetricType::Counter);
    EXPECT_EQ(taken[0].metric.size(), 1U);
    ASSERT_EQ(taken[1].metric.size(), 2U);
    EXPECT_EQ(taken[1].metric[1].label[0].value, "1");
    EXPECT_EQ(taken[1].metric[1].gauge.value, 0.25);
}

TEST(Families, a_family_without_a_series_is_left_out) {
    Families families;
    families.gauge("empty", "Nothing.").counter("full_total", "Something.").add({}, 1.0);
    const auto taken = families.take();
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].name, "full_total");
}

TEST(Families, every_name_of_a_table_becomes_a_series) {
    Families families;
    const std::array<std::uint64_t, 2> counts{3, 4};
    const std::array<std::string_view, 2> names{"arp", "lldp"};
    families.counter("packets_total", "Packets.")
        .add_each({{"worker", "7"}}, "kind", counts, names);
    const auto taken = families.take();
    ASSERT_EQ(taken[0].metric.size(), 2U);
    EXPECT_EQ(taken[0].metric[1].counter.value, 4.0);
    EXPECT_EQ(taken[0].metric[1].label[1].name, "kind");
    EXPECT_EQ(taken[0].metric[1].label[1].value, "lldp");
}

}  // namespace
}  // namespace tapmeter::metrics
