#pragma once

#include <prometheus/metric_family.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace tapmeter::metrics {

// Label names and values of one series.
using Labels = std::vector<prometheus::ClientMetric::Label>;

// Metric families in the making. counter() and gauge() open a family; add() gives the family that
// was opened last one more series.
class Families {
public:
    Families& counter(std::string_view name, std::string_view help);
    Families& gauge(std::string_view name, std::string_view help);
    Families& histogram(std::string_view name, std::string_view help);

    Families& add(Labels labels, double value);
    Families& add(Labels labels, std::uint64_t value) {
        return add(std::move(labels), static_cast<double>(value));
    }
    Families& add(Labels labels, prometheus::ClientMetric::Histogram histogram);

    // One series for every name of a table of fates.
    template <class Counts, class Names>
    Families& add_each(const Labels& labels, std::string_view label, const Counts& counts,
                       const Names& names) {
        for (std::size_t i = 0; i < counts.size(); ++i) {
            Labels all = labels;
            all.push_back({std::string(label), std::string(names[i])});
            add(std::move(all), counts[i]);
        }
        return *this;
    }

    // One series for every name: 1 where its bit is set, else 0.
    template <class Names>
    Families& add_bits(const Labels& labels, std::string_view label, std::uint64_t bits,
                       const Names& names) {
        std::array<std::uint64_t, std::tuple_size_v<Names>> values{};
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = (bits >> i) & 1U;
        }
        return add_each(labels, label, values, names);
    }

    // Families without a series are left out.
    std::vector<prometheus::MetricFamily> take();

private:
    Families& open(prometheus::MetricType type, std::string_view name, std::string_view help);

    std::vector<prometheus::MetricFamily> families_;
};

// The process and its allocator, as the kernel and jemalloc see them.
void add_process_families(Families& families);

}  // namespace tapmeter::metrics
