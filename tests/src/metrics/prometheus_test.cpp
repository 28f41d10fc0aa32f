#include "src/metrics/prometheus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/src/metrics/sample.h"

namespace tapmeter::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

Surroundings surroundings() {
    return {.reloads_ok = 3,
            .reloads_failed = 1,
            .requests = {{.route = "/metrics", .code = "2xx", .count = 9}}};
}

std::string rendered() {
    return prometheus_text(sample_snapshot(), surroundings());
}

TEST(Prometheus, tells_every_account) {
    const std::string text = rendered();
    for (const char* line : {
             "tapmeter_rx_packets_total{interface=\"p0\",queue=\"1\"} 400\n",
             "tapmeter_device_queue_packets_total{interface=\"p0\",queue=\"0\"} 650\n",
             "tapmeter_device_queue_bytes_total{interface=\"p0\",queue=\"1\"} 43000\n",
             "tapmeter_device_queue_errors_total{interface=\"p0\",queue=\"1\"} 3\n",
             "tapmeter_device_queue_missed_total{interface=\"p0\",queue=\"0\"} 2\n",
             "tapmeter_rx_bytes_total{interface=\"p1\",queue=\"0\"} 40000\n",
             "tapmeter_packets_offered_total{interface=\"p0\"} 1140\n",
             "tapmeter_packets_dropped_total{interface=\"p0\",reason=\"rx_missed\"} 70\n",
             "tapmeter_packets_dropped_total{interface=\"p0\",reason=\"xdp_ring_full\"} 0\n",
             "tapmeter_packets_ignored_total{interface=\"p1\",reason=\"sampling\"} 50\n",
             "network_packets_dropped_total{interface=\"p1\"} 90\n",
             "tapmeter_packets_metered_total{worker=\"1\"} 900\n",
             "tapmeter_packets_undecoded_total{reason=\"truncated\"} 80\n",
             "tapmeter_packets_non_ip_total{kind=\"arp\"} 80\n",
             "tapmeter_link_speed_bytes_per_second{interface=\"p0\"} 1250000000\n",
             "tapmeter_worker_busy_cycles_total{worker=\"0\"} 250\n",
             "tapmeter_worker_burst_packets_bucket{worker=\"0\",le=\"1\"} 40\n",
             "tapmeter_worker_burst_packets_bucket{worker=\"0\",le=\"32\"} 90\n",
             "tapmeter_worker_burst_packets_bucket{worker=\"0\",le=\"+Inf\"} 100\n",
             "tapmeter_worker_burst_packets_sum{worker=\"0\"} 800\n",
             "tapmeter_worker_burst_packets_count{worker=\"0\"} 100\n",
             "tapmeter_flows_active{worker=\"1\"} 8\n",
             "tapmeter_worker_packets_ignored_total{reason=\"flow_sampling\"} 40\n",
             "tapmeter_packets_aggregated_total{worker=\"0\"} 300\n",
             "tapmeter_worker_state{worker=\"1\",state=\"hot\"} 1\n",
             "tapmeter_worker_state{worker=\"1\",state=\"normal\"} 0\n",
             "tapmeter_worker_state_cause{worker=\"0\",cause=\"backlog\"} 1\n",
             "tapmeter_worker_state_cause{worker=\"0\",cause=\"table\"} 0\n",
             "tapmeter_worker_state_entered_total{worker=\"0\",state=\"warm\"} 2\n",
             "tapmeter_worker_new_flows_per_second{worker=\"0\"} 700\n",
             "tapmeter_worker_flow_sampling{worker=\"0\"} 4\n",
             "tapmeter_flows_evicted_total{answered=\"true\"} 2\n",
             "tapmeter_sampled_total{unit=\"flows\"} 4\n",
             "tapmeter_sampled_estimate{unit=\"packets\"} 400\n",
             "tapmeter_flow_table_capacity{worker=\"1\"} 1024\n",
             "tapmeter_flows_ended_total{worker=\"0\",reason=\"end_of_flow\"} 7\n",
             "tapmeter_records_emitted_total{reason=\"active\"} 6\n",
             "tapmeter_records_dropped_total{output=\"ipfix/main\",reason=\"ring_full\"} 4\n",
             "tapmeter_records_dropped_total{output=\"ipfix/main\",reason=\"send_error\"} 2\n",
             "tapmeter_export_records_total{output=\"json/file\"} 40\n",
             "tapmeter_export_up{output=\"json/file\"} 1\n",
             "tapmeter_config_reloads_total{result=\"error\"} 1\n",
             "tapmeter_http_requests_total{route=\"/metrics\",code=\"2xx\"} 9\n",
             "tapmeter_books_imbalance{law=\"offered\"} 0\n",
         }) {
        EXPECT_THAT(text, HasSubstr(line));
    }
    EXPECT_THAT(text, HasSubstr("tapmeter_build_info{version=\""));
}

TEST(Prometheus, an_imbalance_shows_under_its_law_as_the_worst_of_all_instances) {
    Snapshot snapshot = sample_snapshot();
    snapshot.workers[0].books.flows_created += 2;
    snapshot.workers[1].books.flows_created += 9;
    const std::string text = prometheus_text(snapshot, {});
    EXPECT_THAT(text, HasSubstr("tapmeter_books_imbalance{law=\"flows\"} 9\n"));
    EXPECT_THAT(text, HasSubstr("tapmeter_books_imbalance{law=\"records\"} 0\n"));
}

TEST(Prometheus, the_process_has_memory_and_cpu_time) {
    const std::string text = rendered();
    const std::string name = "\nprocess_resident_memory_bytes ";
    const std::size_t at = text.find(name);
    ASSERT_NE(at, std::string::npos);
    EXPECT_GT(std::stod(text.substr(at + name.size())), 1e6);
    EXPECT_THAT(text, HasSubstr("\nprocess_cpu_seconds_total "));
}

TEST(Prometheus, large_counts_keep_their_digits) {
    Snapshot snapshot = sample_snapshot();
    snapshot.workers[0].books.metered.octets = (std::uint64_t{1} << 53U) - 1;
    EXPECT_THAT(prometheus_text(snapshot, {}), HasSubstr("9007199254740991\n"));
}

TEST(Prometheus, escapes_label_values) {
    Snapshot snapshot = sample_snapshot();
    snapshot.interfaces[0].name = "a\"b\\c\nd";
    EXPECT_THAT(prometheus_text(snapshot, {}), HasSubstr("{interface=\"a\\\"b\\\\c\\nd\"} "));
}

TEST(Prometheus, families_without_series_are_left_out) {
    const std::string text = prometheus_text({}, {});
    EXPECT_THAT(text, Not(HasSubstr("tapmeter_rx_packets_total")));
    EXPECT_THAT(text, HasSubstr("tapmeter_build_info"));
}

// 8 workers on 2 ports stay far below 2,000 series (UX: bounded views).
TEST(Prometheus, series_are_bounded) {
    Snapshot snapshot = sample_snapshot();
    snapshot.workers.resize(8, snapshot.workers[0]);
    snapshot.rings.resize(8, snapshot.rings[0]);
    for (Snapshot::Interface& interface : snapshot.interfaces) {
        interface.queues.resize(8, interface.queues[0]);
        interface.device_queues.resize(8, interface.device_queues[0]);
    }
    const std::string text = prometheus_text(snapshot, surroundings());
    const auto lines = std::ranges::count(text, '\n');
    EXPECT_LT(lines, 1'200);
    EXPECT_GT(lines, 200);
}

TEST(Prometheus, promtool_has_nothing_to_say) {
    if (std::system("command -v promtool >/dev/null 2>&1") != 0) {  // NOLINT(concurrency-mt-unsafe)
        GTEST_SKIP() << "promtool is not installed (Debian: apt install prometheus)";
    }
    const std::string file = testing::TempDir() + "tapmeter_metrics.txt";
    std::ofstream(file) << rendered();
    const std::string command = "promtool check metrics < " + file + " 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string said;
    std::array<char, 256> piece{};
    while (std::fgets(piece.data(), static_cast<int>(piece.size()), pipe) != nullptr) {
        said += piece.data();
    }
    EXPECT_EQ(pclose(pipe), 0);
    EXPECT_EQ(said, "");
    std::filesystem::remove(file);
}

// The rules that are shipped, by their own tests.
TEST(Prometheus, rules_say_what_their_tests_want) {
    if (std::system("command -v promtool >/dev/null 2>&1") != 0) {  // NOLINT(concurrency-mt-unsafe)
        GTEST_SKIP() << "promtool is not installed (Debian: apt install prometheus)";
    }
    for (const std::string name : {"alerts_test.yml", "kpis_test.yml"}) {
        const std::string command =
            "promtool test rules " + std::string(CONF_FOLDER) + "/prometheus/" + name;
        EXPECT_EQ(std::system(command.c_str()), 0) << name;  // NOLINT(concurrency-mt-unsafe)
    }
}

}  // namespace
}  // namespace tapmeter::metrics
