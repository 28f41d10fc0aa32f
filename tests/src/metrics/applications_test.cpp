#include "src/metrics/applications.h"

#include <gtest/gtest.h>

#include "tests/src/metrics/sample.h"

namespace tapmeter::metrics {
namespace {

// The values of a family by the label `name`; empty: there is no such family.
std::map<std::string, double> values(const Snapshot& snapshot, const std::string& family,
                                     const std::string& name) {
    Families families;
    add_applications(snapshot, families);
    std::map<std::string, double> found;
    for (const auto& one : families.take()) {
        for (const auto& metric : one.metric) {
            for (const auto& label : metric.label) {
                if (one.name == family && label.name == name) {
                    found[label.value] = metric.counter.value;
                }
            }
        }
    }
    return found;
}

TEST(Applications, every_end_of_an_inspection_has_a_series) {
    const auto ends = values(sample_snapshot(), "tapmeter_dpi_flows_total", "result");
    EXPECT_EQ(ends.size(), flow::inspections - 2);
    EXPECT_FALSE(ends.contains("off"));
    EXPECT_GT(ends.at("decided"), 0);
    EXPECT_EQ(values(sample_snapshot(), "tapmeter_dpi_verdicts_total", "confidence").size(),
              flow::confidences);
}

TEST(Applications, the_largest_have_a_series_and_the_others_one_together) {
    Snapshot snapshot = sample_snapshot();
    for (std::uint64_t number = 0; number < applications_shown_max; ++number) {
        snapshot.applications.push_back(
            {.name = "app" + std::to_string(number), .packets = 1, .octets = 1'000 - number});
    }
    auto octets = values(snapshot, "tapmeter_app_bytes_total", "app");
    EXPECT_EQ(octets.size(), applications_shown_max);
    EXPECT_FALSE(octets.contains("other"));
    snapshot.applications.push_back({.name = "small", .packets = 3, .octets = 7});
    snapshot.applications.push_back({.name = "smaller", .packets = 2, .octets = 5});
    octets = values(snapshot, "tapmeter_app_bytes_total", "app");
    EXPECT_EQ(octets.size(), applications_shown_max + 1);
    EXPECT_EQ(octets.at("other"), 12);
    EXPECT_EQ(octets.at("app0"), 1'000);
    EXPECT_EQ(values(snapshot, "tapmeter_app_packets_total", "app").at("other"), 5);
}

TEST(Applications, nothing_is_said_where_nothing_was_inspected) {
    Snapshot snapshot = sample_snapshot();
    for (auto& worker : snapshot.workers) {
        worker.books.inspection = {};
    }
    EXPECT_TRUE(values(snapshot, "tapmeter_dpi_flows_total", "result").empty());
}

}  // namespace
}  // namespace tapmeter::metrics
