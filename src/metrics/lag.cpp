#include "src/metrics/lag.h"

#include <fmt/format.h>

#include <limits>

#include "src/metrics/totals.h"

namespace tapmeter::metrics {

namespace {

constexpr double milliseconds_a_second = 1'000;

bool is_open(std::size_t bucket) {
    return bucket == exporting::export_lag_bounds_ms.size();
}

double bound_of(std::size_t bucket) {
    return exporting::export_lag_bounds_ms.at(bucket) / milliseconds_a_second;
}

}  // namespace

std::string lag_as_text(const exporting::ExportLag& lag) {
    const std::uint32_t half = lag.bound_of(50);
    const std::uint32_t most = lag.bound_of(99);
    std::string text;
    if (half != 0) {
        text += fmt::format("; 50 % sent within {} s of the end of their flow",
                            half / milliseconds_a_second);
    }
    if (most != 0) {
        text += fmt::format(", 99 % within {} s", most / milliseconds_a_second);
    }
    return text;
}

nlohmann::ordered_json lag_as_json(const exporting::ExportLag& lag) {
    nlohmann::ordered_json within = nlohmann::ordered_json::object();
    std::uint64_t records = 0;
    for (std::size_t i = 0; i < lag.records.size(); ++i) {
        records += lag.records[i];
        within[is_open(i) ? "any" : fmt::format("{}", bound_of(i))] = records;
    }
    return {{"records", records},
            {"mean_seconds", ratio(lag.milliseconds, records) / milliseconds_a_second},
            {"within_seconds", std::move(within)}};
}

prometheus::ClientMetric::Histogram lag_as_histogram(const exporting::ExportLag& lag) {
    prometheus::ClientMetric::Histogram histogram;
    for (std::size_t i = 0; i < lag.records.size(); ++i) {
        histogram.sample_count += lag.records[i];
        histogram.bucket.push_back(
            {histogram.sample_count,
             is_open(i) ? std::numeric_limits<double>::infinity() : bound_of(i)});
    }
    histogram.sample_sum = static_cast<double>(lag.milliseconds) / milliseconds_a_second;
    return histogram;
}

}  // namespace tapmeter::metrics
