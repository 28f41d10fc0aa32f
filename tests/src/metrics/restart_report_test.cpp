#include "src/metrics/restart_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "src/metrics/books_text.h"
#include "src/metrics/prometheus.h"
#include "tests/src/metrics/sample.h"

namespace tapmeter::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Snapshot after_crash() {
    Snapshot snapshot = sample_snapshot();
    Restarts& restarts = snapshot.restarts;
    restarts.restarts[static_cast<std::size_t>(RestartReason::segv)] = 2;
    restarts.dpi_faults[static_cast<std::size_t>(inspect::Doing::dissecting)] = 1;
    restarts.flows_quarantined = 1;
    restarts.flows_adopted = 1'234;
    restarts.flows_lost = 5;
    restarts.packets_lost = 67;
    restarts.dpi_state = DpiState::faulted;
    snapshot.outputs[0].lost_in_restarts = {.records = 8, .packets = 90, .octets = 100};
    return snapshot;
}

TEST(Restarts, are_metrics_with_the_signal_and_what_was_being_done) {
    const std::string text = prometheus_text(after_crash(), {});
    for (const char* line :
         {"tapmeter_restarts_total{reason=\"segv\"} 2\n",
          "tapmeter_restarts_total{reason=\"abort\"} 0\n",
          "tapmeter_dpi_state{state=\"faulted\"} 1\n", "tapmeter_dpi_state{state=\"on\"} 0\n",
          "tapmeter_dpi_faults_total{reason=\"dissecting\"} 1\n",
          "tapmeter_dpi_quarantined_flows 1\n",
          "tapmeter_restart_flows_total{result=\"adopted\"} 1234\n",
          "tapmeter_restart_packets_lost_total 67\n"}) {
        EXPECT_THAT(text, HasSubstr(line));
    }
    EXPECT_THAT(text, Not(HasSubstr("reason=\"nothing\"")));
}

TEST(Restarts, what_is_not_known_is_not_told_as_zero) {
    Snapshot snapshot = after_crash();
    snapshot.restarts.packets_known = false;
    EXPECT_THAT(prometheus_text(snapshot, {}),
                Not(HasSubstr("tapmeter_restart_packets_lost_total ")));
    EXPECT_THAT(books_as_text(snapshot), HasSubstr("packets: not known"));
    EXPECT_EQ(restarts_json(snapshot.restarts)["packets_known"], false);
}

TEST(Restarts, stand_in_the_books_once_there_were_some) {
    const std::string text = books_as_text(after_crash());
    EXPECT_THAT(text, HasSubstr("restarts\n"));
    EXPECT_THAT(text, HasSubstr("1,234"));
    EXPECT_THAT(text, HasSubstr("in a crash"));
    EXPECT_THAT(books_as_text(sample_snapshot()), Not(HasSubstr("restarts")));
    const auto json = nlohmann::json::parse(books_as_json(after_crash()));
    EXPECT_EQ(json["restarts"]["reasons"]["segv"], 2);
    EXPECT_EQ(json["outputs"][0]["lost_in_restarts"]["records"], 8);
}

}  // namespace
}  // namespace tapmeter::metrics
