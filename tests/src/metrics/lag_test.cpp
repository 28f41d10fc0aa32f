#include "src/metrics/lag.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tapmeter::metrics {
namespace {

exporting::ExportLag sample() {
    exporting::ExportLag lag;
    lag.records[2] = 60;
    lag.records[4] = 39;
    lag.records[11] = 1;
    lag.milliseconds = 450'000;
    return lag;
}

TEST(Lag, is_told_in_words) {
    EXPECT_EQ(lag_as_text(sample()),
              "; 50 % sent within 0.5 s of the end of their flow, 99 % within 2.5 s");
    EXPECT_EQ(lag_as_text({}), "");
}

TEST(Lag, is_told_in_json) {
    const auto json = lag_as_json(sample());
    EXPECT_EQ(json["records"], 100);
    EXPECT_EQ(json["mean_seconds"], 4.5);
    EXPECT_EQ(json["within_seconds"]["0.25"], 0);
    EXPECT_EQ(json["within_seconds"]["0.5"], 60);
    EXPECT_EQ(json["within_seconds"]["300"], 99);
    EXPECT_EQ(json["within_seconds"]["any"], 100);
    EXPECT_EQ(lag_as_json({})["mean_seconds"], 0.0);
}

TEST(Lag, is_told_as_a_histogram) {
    const auto histogram = lag_as_histogram(sample());
    ASSERT_EQ(histogram.bucket.size(), 12U);
    EXPECT_EQ(histogram.sample_count, 100U);
    EXPECT_EQ(histogram.sample_sum, 450.0);
    EXPECT_EQ(histogram.bucket[4].upper_bound, 2.5);
    EXPECT_EQ(histogram.bucket[4].cumulative_count, 99U);
    EXPECT_TRUE(std::isinf(histogram.bucket[11].upper_bound));
}

}  // namespace
}  // namespace tapmeter::metrics
