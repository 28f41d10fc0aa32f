#include "src/metrics/outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <sstream>

#include "tests/src/metrics/sample.h"

namespace tapmeter::metrics {
namespace {

using ::testing::HasSubstr;

TEST(Outputs, tell_what_they_sent_and_what_they_lost) {
    Snapshot snapshot = sample_snapshot();
    snapshot.outputs[0].counters.sent.alerts = 12;
    snapshot.outputs[0].counters.dropped[1].alerts = 3;
    const std::string name = snapshot.outputs[0].name;
    Families families;
    add_outputs(snapshot, families);
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, families.take());
    EXPECT_THAT(text.str(), HasSubstr("tapmeter_export_alerts_total{output=\"" + name + "\"} 12"));
    EXPECT_THAT(text.str(),
                HasSubstr("tapmeter_export_alerts_dropped_total{output=\"" + name + "\"} 3"));
    EXPECT_THAT(text.str(), HasSubstr("reason=\"queue_full\"} 3"));
}

TEST(Outputs, tell_how_late_records_left_and_who_else_of_the_group_has_them) {
    Snapshot snapshot = sample_snapshot();
    exporting::OutputCounters& counters = snapshot.outputs[0].counters;
    counters.group = "siem";
    counters.elsewhere.records = 9;
    counters.lag.records[1] = 10;
    counters.lag.records[7] = 4;
    counters.lag.records[11] = 1;
    counters.lag.milliseconds = 402'500;
    Families families;
    add_outputs(snapshot, families);
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, families.take());
    const std::string label = "{output=\"" + snapshot.outputs[0].name + "\"";
    const std::string lag = "tapmeter_export_lag_seconds";
    EXPECT_THAT(text.str(), HasSubstr("tapmeter_export_records_elsewhere_total" + label + "} 9\n"));
    EXPECT_THAT(text.str(), HasSubstr(lag + "_bucket" + label + ",le=\"0.1\"} 0\n"));
    EXPECT_THAT(text.str(), HasSubstr(lag + "_bucket" + label + ",le=\"0.25\"} 10\n"));
    EXPECT_THAT(text.str(), HasSubstr(lag + "_bucket" + label + ",le=\"30\"} 14\n"));
    EXPECT_THAT(text.str(), HasSubstr(lag + "_bucket" + label + ",le=\"+Inf\"} 15\n"));
    EXPECT_THAT(text.str(), HasSubstr(lag + "_sum" + label + "} 402.5\n"));
}

}  // namespace
}  // namespace tapmeter::metrics
