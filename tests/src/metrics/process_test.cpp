#include <gtest/gtest.h>

#include <vector>

#include "src/metrics/families.h"

namespace tapmeter::metrics {
namespace {

double value_of(const std::string& name) {
    Families families;
    add_process_families(families);
    for (const auto& family : families.take()) {
        if (family.name == name) {
            const auto& metric = family.metric.at(0);
            return family.type == prometheus::MetricType::Counter ? metric.counter.value
                                                                  : metric.gauge.value;
        }
    }
    ADD_FAILURE() << "no family " << name;
    return 0;
}

TEST(Process, resident_memory_grows_by_what_is_touched) {
    constexpr std::size_t octets = std::size_t{64} << 20U;
    const double before = value_of("process_resident_memory_bytes");
    const std::vector<char> touched(octets, 'x');
    const double after = value_of("process_resident_memory_bytes");
    EXPECT_GE(after - before, static_cast<double>(octets) * 0.9);
    EXPECT_EQ(touched.back(), 'x');
}

TEST(Process, cpu_time_grows_with_work) {
    const double before = value_of("process_cpu_seconds_total");
    // Ends by itself only if the figure moves; the test's time limit is the judge otherwise.
    while (value_of("process_cpu_seconds_total") < before + 0.01) {
    }
    EXPECT_GE(value_of("process_cpu_seconds_total"), before + 0.01);
}

}  // namespace
}  // namespace tapmeter::metrics
