#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "src/metrics/families.h"

// jemalloc's statistics interface, where the program is linked with it; null elsewhere.
extern "C" int mallctl(const char* name, void* old_value, std::size_t* old_octets, void* new_value,
                       std::size_t new_octets) __attribute__((weak));

namespace tapmeter::metrics {

namespace {

double resident_octets() {
    std::ifstream statm("/proc/self/statm");
    double program_pages = 0;
    double resident_pages = 0;
    if (!(statm >> program_pages >> resident_pages)) {
        return 0;
    }
    return resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void add_allocator(Families& families) {
    if (mallctl == nullptr) {
        return;
    }
    // jemalloc's counters stand still until the epoch is advanced.
    std::uint64_t epoch = 1;
    std::size_t epoch_octets = sizeof(epoch);
    mallctl("epoch", &epoch, &epoch_octets, &epoch, epoch_octets);

    families.gauge("tapmeter_allocator_bytes", "Memory of the process allocator, by state.");
    for (const char* state :
         {"allocated", "active", "metadata", "resident", "mapped", "retained"}) {
        std::size_t octets = 0;
        std::size_t value_octets = sizeof(octets);
        const std::string name = std::string("stats.") + state;
        if (mallctl(name.c_str(), &octets, &value_octets, nullptr, 0) == 0) {
            families.add({{"state", state}}, std::uint64_t{octets});
        }
    }
}

}  // namespace

void add_process_families(Families& families) {
    families.gauge("process_resident_memory_bytes", "Memory of the process that is in RAM.")
        .add({}, resident_octets());
    families.counter("process_cpu_seconds_total", "CPU time of all threads, user and system.")
        .add({}, cpu_seconds());
    add_allocator(families);
}

}  // namespace tapmeter::metrics
