#include "src/metrics/influx_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>
#include <vector>

#include "src/metrics/all_families.h"

namespace tapmeter::metrics {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;
using Tags = std::vector<std::pair<std::string, std::string>>;

// Writes one line; a line without a field is none.
class LineWriter {
public:
    LineWriter(std::string& text, const std::string& series, std::string_view time)
        : text_(text), time_(time), began_at_(text.size()) {
        text_ += series;
    }
    void field(std::string_view key, double value) {
        if (std::isfinite(value)) {
            text_ += fields_++ == 0 ? ' ' : ',';
            fmt::format_to(std::back_inserter(text_), "{}={}",
                           influx_escaped(key, InfluxPlace::tag_or_field_key), value);
        }
    }
    void end() {
        if (fields_ == 0) {
            text_.resize(began_at_);
        } else {
            fmt::format_to(std::back_inserter(text_), " {}\n", time_);
        }
    }

private:
    std::string& text_;
    std::string_view time_;
    std::size_t began_at_;
    std::size_t fields_ = 0;
};

// Measurement and tags; the database likes them in order.
std::string series_of(const prometheus::MetricFamily& family, const ClientMetric& metric,
                      std::string_view instance) {
    Tags tags{{"instance", std::string(instance)}};
    for (const auto& label : metric.label) {
        tags.emplace_back(label.name, label.value);
    }
    std::ranges::sort(tags);
    std::string series = influx_escaped(family.name, InfluxPlace::measurement);
    for (const auto& [key, value] : tags) {
        const std::string escaped = influx_escaped(value, InfluxPlace::tag_or_field_key);
        if (!escaped.empty()) {
            series += "," + influx_escaped(key, InfluxPlace::tag_or_field_key) + "=" + escaped;
        }
    }
    return series;
}

std::string limit_text(double limit) {
    return std::isinf(limit) ? "+Inf" : fmt::format("{}", limit);
}

void add_fields(MetricType type, const ClientMetric& metric, LineWriter& line) {
    if (type != MetricType::Histogram) {
        line.field("value",
                   type == MetricType::Counter ? metric.counter.value : metric.gauge.value);
        return;
    }
    for (const auto& bucket : metric.histogram.bucket) {
        line.field(limit_text(bucket.upper_bound), static_cast<double>(bucket.cumulative_count));
    }
    line.field("count", static_cast<double>(metric.histogram.sample_count));
    line.field("sum", metric.histogram.sample_sum);
}

// At the end of what was written: each would escape what comes next.
void drop_backslashes(std::string& text) {
    text.resize(text.find_last_not_of('\\') + 1);
}

}  // namespace

std::string influx_escaped(std::string_view name, InfluxPlace place) {
    std::string text;
    for (const char c : name) {
        const auto octet = static_cast<unsigned char>(c);
        const bool is_control = octet < 0x20 || octet == 0x7F;
        if (is_control || c == ',' || c == ' ' ||
            (c == '=' && place == InfluxPlace::tag_or_field_key)) {
            drop_backslashes(text);
            text += '\\';
        }
        text += is_control ? ' ' : c;
    }
    drop_backslashes(text);
    return text;
}

std::string influx_lines(const Snapshot& snapshot, const Surroundings& surroundings,
                         std::string_view instance, std::chrono::system_clock::time_point at) {
    using std::chrono::nanoseconds;
    const std::string time =
        fmt::format("{}", std::chrono::duration_cast<nanoseconds>(at.time_since_epoch()).count());
    std::string text;
    for (const prometheus::MetricFamily& family : all_families(snapshot, surroundings)) {
        for (const ClientMetric& metric : family.metric) {
            LineWriter line(text, series_of(family, metric, instance), time);
            add_fields(family.type, metric, line);
            line.end();
        }
    }
    return text;
}

}  // namespace tapmeter::metrics
