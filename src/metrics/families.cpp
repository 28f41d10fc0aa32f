#include "src/metrics/families.h"

namespace tapmeter::metrics {

Families& Families::counter(std::string_view name, std::string_view help) {
    return open(prometheus::MetricType::Counter, name, help);
}

Families& Families::gauge(std::string_view name, std::string_view help) {
    return open(prometheus::MetricType::Gauge, name, help);
}

Families& Families::histogram(std::string_view name, std::string_view help) {
    return open(prometheus::MetricType::Histogram, name, help);
}

Families& Families::open(prometheus::MetricType type, std::string_view name,
                         std::string_view help) {
    families_.push_back({std::string(name), std::string(help), type, {}});
    return *this;
}

Families& Families::add(Labels labels, double value) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = value;
    metric.gauge.value = value;
    families_.back().metric.push_back(std::move(metric));
    return *this;
}

Families& Families::add(Labels labels, prometheus::ClientMetric::Histogram histogram) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    metric.histogram = std::move(histogram);
    families_.back().metric.push_back(std::move(metric));
    return *this;
}

std::vector<prometheus::MetricFamily> Families::take() {
    std::erase_if(families_, [](const auto& family) { return family.metric.empty(); });
    return std::move(families_);
}

}  // namespace tapmeter::metrics
