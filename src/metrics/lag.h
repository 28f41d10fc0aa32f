#pragma once

#include <prometheus/client_metric.h>

#include <nlohmann/json.hpp>
#include <string>

#include "src/exporting/export_lag.h"

// How late flow records left, in the three forms in which it is told.
namespace tapmeter::metrics {

// "; 50 % sent within 2.5 s of the end of their flow, 99 % within 30 s"; empty: none was.
std::string lag_as_text(const exporting::ExportLag& lag);

// Records in all, their mean, and how many kept each bound; the last one is "any".
nlohmann::ordered_json lag_as_json(const exporting::ExportLag& lag);

prometheus::ClientMetric::Histogram lag_as_histogram(const exporting::ExportLag& lag);

}  // namespace tapmeter::metrics
