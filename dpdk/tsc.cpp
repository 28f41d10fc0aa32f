#include <rte_cycles.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <thread>

// Where the CPU does not tell the rate of its time stamp counter, as in most virtual machines,
// DPDK's start sleeps 100 ms to measure it, and then rounds to 10 MHz. The linker puts this in the
// place of that function (--wrap=get_tsc_freq in meson.build): 10 ms are enough, because an error
// of even 1 us is then 0.01 %, far below the rounding. Drivers use the rate for timeouts only.
//
// Later versions pass what the CPU told, to compare; 22.11 passes nothing, so it is not looked at.
// Where a later DPDK has no such function, nothing is replaced and the start takes longer.
extern "C" std::uint64_t __wrap_get_tsc_freq(std::uint64_t told_by_cpu);  // NOLINT(*-identifier*)

extern "C" std::uint64_t __wrap_get_tsc_freq(std::uint64_t /*told_by_cpu*/) {
    using Clock = std::chrono::steady_clock;
    constexpr double round_to_hertz = 1e7;
    const auto started_at = Clock::now();
    const std::uint64_t first = rte_rdtsc();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const std::chrono::duration<double> seconds = Clock::now() - started_at;
    const double hertz = static_cast<double>(rte_rdtsc() - first) / seconds.count();
    return static_cast<std::uint64_t>(std::llround(hertz / round_to_hertz)) *
           static_cast<std::uint64_t>(round_to_hertz);
}
