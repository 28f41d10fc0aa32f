#include "src/metrics/influx_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "tests/src/metrics/sample.h"

namespace tapmeter::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::chrono::system_clock::time_point at{std::chrono::milliseconds{1'700'000'000'123}};

std::string tag(std::string_view name) {
    return influx_escaped(name, InfluxPlace::tag_or_field_key);
}

TEST(InfluxEscaped, escapes_what_separates) {
    EXPECT_EQ(tag("eth1"), "eth1");
    EXPECT_EQ(tag("a,b c=d"), R"(a\,b\ c\=d)");
    EXPECT_EQ(influx_escaped("a,b c=d", InfluxPlace::measurement), R"(a\,b\ c=d)");
    EXPECT_EQ(tag("\"quoted\" and 'so'"), R"("quoted"\ and\ 'so')") << "quotes need no escape";
    EXPECT_EQ(tag("Münze"), "Münze");
    EXPECT_EQ(tag(""), "");
}

TEST(InfluxEscaped, leaves_out_what_no_escape_can_say) {
    EXPECT_EQ(tag("two\nlines\x7f."), R"(two\ lines\ .)");
    EXPECT_EQ(tag(R"(C:\tap)"), R"(C:\tap)");
    EXPECT_EQ(tag(R"(end\)"), "end");
    EXPECT_EQ(tag(R"(end\\)"), "end");
    EXPECT_EQ(tag(R"(a\,b)"), R"(a\,b)");
    EXPECT_EQ(tag(R"(\)"), "");
    EXPECT_EQ(tag("\\\n"), R"(\ )");
}

TEST(InfluxLines, are_the_families_of_prometheus) {
    const Snapshot snapshot = sample_snapshot();
    Surroundings surroundings;
    surroundings.reloads_ok = 3;
    const std::string lines = influx_lines(snapshot, surroundings, "probe 1", at);
    const std::string time = " 1700000000123000000\n";
    EXPECT_THAT(
        lines,
        HasSubstr("tapmeter_config_reloads_total,instance=probe\\ 1,result=ok value=3" + time));
    EXPECT_THAT(lines, HasSubstr("tapmeter_export_up,instance=probe\\ 1,output=" +
                                 snapshot.outputs[0].name + " value=1" + time));
    // As many series as Prometheus is given; of a histogram one line.
    const std::string text = prometheus_text(snapshot, surroundings);
    std::istringstream rows(text);
    std::size_t series = 0;
    std::string histogram = "none";
    for (std::string row; std::getline(rows, row);) {
        if (row.starts_with("# TYPE ") && row.ends_with(" histogram")) {
            histogram = row.substr(7, row.rfind(' ') - 7);
        }
        const bool is_part =
            row.starts_with(histogram + "_bucket") || row.starts_with(histogram + "_sum");
        series += row.starts_with('#') || is_part ? 0U : 1U;
    }
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(lines, '\n')), series);
}

TEST(InfluxLines, keep_a_histogram_in_one_line) {
    Snapshot snapshot = sample_snapshot();
    exporting::ExportLag& lag = snapshot.outputs[0].counters.lag;
    lag = {};
    lag.records[1] = 10;
    lag.records[11] = 1;
    lag.milliseconds = 402'500;
    const std::string lines = influx_lines(snapshot, {}, "t", at);
    const std::size_t line = lines.find(
        "tapmeter_export_lag_seconds,instance=t,output=" + snapshot.outputs[0].name + " ");
    ASSERT_NE(line, std::string::npos);
    const std::string whole = lines.substr(line, lines.find('\n', line) - line);
    EXPECT_THAT(whole, HasSubstr(",0.25=10,"));
    EXPECT_THAT(whole, HasSubstr(",+Inf=11,count=11,sum=402.5 1700000000123000000"));
}

TEST(InfluxLines, have_no_tag_without_a_value) {
    const std::string lines = influx_lines(sample_snapshot(), {}, "", at);
    EXPECT_THAT(lines, Not(HasSubstr("=,")));
    EXPECT_THAT(lines, Not(HasSubstr("instance")));
}

TEST(InfluxLines, say_how_many_pushes_there_were) {
    Snapshot snapshot = sample_snapshot();
    EXPECT_THAT(influx_lines(snapshot, {}, "t", at), Not(HasSubstr("tapmeter_counter_push")));
    snapshot.pushes = Snapshot::Pushes{.done = 7, .failed = 2, .octets = 900};
    const std::string lines = influx_lines(snapshot, {}, "t", at);
    EXPECT_THAT(lines, HasSubstr("tapmeter_counter_pushes_total,instance=t,result=ok value=7 "));
    EXPECT_THAT(lines, HasSubstr("tapmeter_counter_pushes_total,instance=t,result=error value=2 "));
    EXPECT_THAT(lines, HasSubstr("tapmeter_counter_push_bytes_total,instance=t value=900 "));
}

}  // namespace
}  // namespace tapmeter::metrics
