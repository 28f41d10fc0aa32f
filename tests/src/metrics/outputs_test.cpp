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

}  // namespace
}  // namespace tapmeter::metrics
