#include "src/metrics/analytics.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "src/metrics/totals.h"
#include "tests/src/metrics/sample.h"

namespace tapmeter::metrics {
namespace {

std::map<std::string, prometheus::MetricFamily> families_of(const Snapshot& snapshot) {
    Families families;
    add_analytics(snapshot, families);
    std::map<std::string, prometheus::MetricFamily> found;
    for (auto& family : families.take()) {
        found[family.name] = family;
    }
    return found;
}

TEST(Analytics, every_segment_is_in_a_series) {
    auto families = families_of(sample_snapshot());
    double all = families["tapmeter_tcp_segments_total"].metric.at(0).counter.value;
    const auto& skipped = families["tapmeter_tcp_segments_skipped_total"].metric;
    EXPECT_EQ(skipped.size(), flow::segment_skipped_reasons);
    for (const auto& metric : skipped) {
        all += metric.counter.value;
    }
    EXPECT_EQ(all, 2 * 600);  // of two workers
}

TEST(Analytics, states_for_payloads_are_told_where_there_are_some) {
    Snapshot snapshot = sample_snapshot();
    EXPECT_FALSE(families_of(snapshot).contains("tapmeter_payload_states_total"));
    for (auto& worker : snapshot.workers) {
        worker.books.analytics.payloads = {.entropy = {.given = 1, .refused = 2, .in_use = 3},
                                           .rtp = {.given = 4},
                                           .rtp_flows = 5};
    }
    auto families = families_of(snapshot);
    const auto& states = families["tapmeter_payload_states_total"].metric;
    ASSERT_EQ(states.size(), 6U);
    EXPECT_EQ(states[0].counter.value, 2 * 1);
    EXPECT_EQ(states[1].counter.value, 2 * 2);
    EXPECT_EQ(states[2].counter.value, 2 * 4);
    EXPECT_EQ(families["tapmeter_payload_states_in_use"].metric.at(0).gauge.value, 2 * 3);
    EXPECT_EQ(families["tapmeter_rtp_flows_total"].metric.at(0).counter.value, 2 * 5);
    const auto json = analytics_json(all_workers(snapshot).analytics);
    EXPECT_EQ(json["entropy"]["refused"], 4);
    EXPECT_EQ(json["rtp_flows"], 10);
}

TEST(Analytics, kinds_of_retransmissions_add_up) {
    auto families = families_of(sample_snapshot());
    const auto& kinds = families["tapmeter_tcp_retransmissions_total"].metric;
    ASSERT_EQ(kinds.size(), 3U);
    EXPECT_EQ(kinds[0].counter.value, 2 * 5);  // by timeout: neither fast nor spurious
    EXPECT_EQ(kinds[1].counter.value, 2 * 4);
    EXPECT_EQ(kinds[2].counter.value, 2 * 3);
}

TEST(Analytics, round_trips_are_a_histogram_of_seconds) {
    auto families = families_of(sample_snapshot());
    const auto& histogram = families["tapmeter_tcp_rtt_seconds"].metric.at(0).histogram;
    ASSERT_EQ(histogram.bucket.size(), flow::round_trip_buckets);
    EXPECT_EQ(histogram.bucket[0].upper_bound, 0.001);
    EXPECT_EQ(histogram.bucket[0].cumulative_count, 16U);
    EXPECT_EQ(histogram.bucket.back().cumulative_count, histogram.sample_count);
    EXPECT_EQ(histogram.sample_sum, 1.8);
}

TEST(Analytics, a_group_that_is_off_has_no_series) {
    Snapshot snapshot = sample_snapshot();
    for (auto& worker : snapshot.workers) {
        worker.books.analytics = {};
    }
    const auto families = families_of(snapshot);
    EXPECT_FALSE(families.contains("tapmeter_tcp_segments_total"));
    EXPECT_FALSE(families.contains("tapmeter_flows_tunnelled_total"));
    EXPECT_TRUE(families.contains("tapmeter_record_reports_refused_total"));
}

// Every counter of the books is in the sum: none is forgotten when one is added.
TEST(Analytics, sums_add_every_counter) {
    const flow::AnalyticsBooks one = sample_snapshot().workers[0].books.analytics;
    flow::AnalyticsBooks total;
    add_to(total, one);
    EXPECT_EQ(std::memcmp(&total, &one, sizeof one), 0);
    EXPECT_EQ(analytics_json(one)["segments_skipped"]["shed"], 20);
    EXPECT_EQ(analytics_json(one)["connections"]["established"], 9);
}

}  // namespace
}  // namespace tapmeter::metrics
