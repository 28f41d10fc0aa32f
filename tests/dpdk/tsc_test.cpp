#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <chrono>
#include <cmath>
#include <thread>

namespace tapmeter::dpdk {
namespace {

// The rate that DPDK's start found, however it found it, is that of the counter.
TEST(Tsc, rate_is_that_of_the_counter) {
    const auto started_at = std::chrono::steady_clock::now();
    const std::uint64_t first = rte_rdtsc();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started_at;
    const double measured = static_cast<double>(rte_rdtsc() - first) / seconds.count();
    const auto told = static_cast<double>(rte_get_tsc_hz());
    EXPECT_LT(std::abs(told - measured) / measured, 0.02) << told << " against " << measured;
}

}  // namespace
}  // namespace tapmeter::dpdk
