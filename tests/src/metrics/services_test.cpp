#include "src/metrics/services.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "src/metrics/books_text.h"
#include "src/metrics/prometheus.h"
#include "tests/src/metrics/sample.h"

namespace tapmeter::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Snapshot served() {
    Snapshot snapshot = sample_snapshot();
    exporting::ServiceCounts shop;
    shop.flows = 10;
    shop.to_service = {.packets = 1'000, .octets = 70'000};
    shop.from_service = {.packets = 2'000, .octets = 2'800'000};
    shop.answered = 6;
    shop.refused = 1;
    shop.unanswered = 1;
    shop.segments = 3'000;
    shop.retransmissions = 30;
    shop.lost_segments = 12;
    shop.server.buckets = {3, 3, 0, 0, 0, 0};
    shop.server.sum_us = 12'000;
    exporting::ServiceCounts calls;
    calls.unanswered = 1;
    calls.last_failed = 1;
    calls.rtp_packets = 500;
    calls.rtp_lost = 5;
    calls.rtp_jitter_us = 750'000;
    snapshot.services = {{.name = "shop", .counts = shop},
                         {.name = "calls", .counts = calls},
                         {.name = "quiet", .counts = {}}};
    return snapshot;
}

TEST(Services, have_series_under_their_names) {
    const std::string text = prometheus_text(served(), {});
    EXPECT_THAT(text, HasSubstr("tapmeter_service_bytes_total{service=\"shop\",direction=\"from\"} "
                                "2800000\n"));
    EXPECT_THAT(text,
                HasSubstr("tapmeter_service_attempts_total{service=\"shop\",result=\"refused\"} "
                          "1\n"));
    EXPECT_THAT(text, HasSubstr("tapmeter_service_up{service=\"shop\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("tapmeter_service_up{service=\"calls\"} 0\n"));
    EXPECT_THAT(text, Not(HasSubstr("tapmeter_service_up{service=\"quiet\"}")));
    EXPECT_THAT(text, HasSubstr("tapmeter_service_tcp_lost_segments_total{service=\"shop\"} 12\n"));
    EXPECT_THAT(text, HasSubstr("tapmeter_service_latency_seconds_bucket{service=\"shop\",of="
                                "\"server\",le=\"0.01\"} 6\n"));
    EXPECT_THAT(text, HasSubstr("tapmeter_service_latency_seconds_sum{service=\"shop\",of="
                                "\"server\"} 0.012\n"));
    EXPECT_THAT(text, HasSubstr("tapmeter_service_rtp_jitter_seconds_sum_total{service=\"calls\"} "
                                "0.75\n"));
    EXPECT_THAT(text, Not(HasSubstr("tapmeter_service_rtp_packets_total{service=\"shop\"}")));
}

TEST(Services, are_a_table_where_there_are_any) {
    const std::string text = stats_as_text(served());
    EXPECT_THAT(text, HasSubstr("\nservice "));
    EXPECT_THAT(text, ::testing::ContainsRegex("shop +up +8 +75.00 % +- +2.0 ms +- +1.00 % +-\n"));
    EXPECT_THAT(text, ::testing::ContainsRegex("calls +DOWN +1 +0.00 % .* 1.5 ms\n"));
    EXPECT_THAT(text, ::testing::ContainsRegex("quiet +- +0 +- "));
    EXPECT_EQ(services_as_text(sample_snapshot()), "");
}

TEST(Services, are_a_list_for_programs) {
    const auto json = nlohmann::json::parse(stats_as_json(served()));
    ASSERT_EQ(json["services"].size(), 3);
    EXPECT_EQ(json["services"][0]["attempts"]["answered"], 6);
    EXPECT_EQ(json["services"][0]["latency"]["server"]["mean_us"], 2'000);
    EXPECT_EQ(json["services"][1]["rtp"]["jitter_us"], 1'500);
    EXPECT_EQ(json["services"][1]["up"], false);
    EXPECT_THAT(stats_as_csv(served()), HasSubstr("\nservices,shop,tcp.retransmissions,30\n"));
    EXPECT_EQ(nlohmann::json::parse(stats_as_json(sample_snapshot()))["services"].size(), 0);
}

}  // namespace
}  // namespace tapmeter::metrics
