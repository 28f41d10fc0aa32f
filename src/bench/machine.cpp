#include "src/bench/machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>
#include <thread>

#include "pipeline/base/cycles.h"

namespace tapmeter::bench {

namespace {

namespace fs = std::filesystem;

// The first line of a file; empty where there is none.
std::string line_of(const fs::path& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    return line;
}

std::string or_unknown(std::string text) {
    return text.empty() ? "unknown" : std::move(text);
}

// What stands behind "NAME :" in a file of such lines; empty where it does not stand there.
std::string value_of(const fs::path& file, std::string_view name) {
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line);) {
        const std::size_t colon = line.find(':');
        if (!line.starts_with(name) || colon == std::string::npos) {
            continue;
        }
        const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
        return begin == std::string::npos ? std::string() : line.substr(begin);
    }
    return {};
}

std::uint64_t number_in(const std::string& text) {
    return std::strtoull(text.c_str(), nullptr, 10);
}

// "always [madvise] never": the word in brackets.
std::string chosen(const std::string& words) {
    const std::size_t open = words.find('[');
    const std::size_t close = words.find(']');
    return open == std::string::npos || close == std::string::npos || close < open
               ? words
               : words.substr(open + 1, close - open - 1);
}

unsigned count_nodes(const fs::path& folder) {
    std::error_code error;
    unsigned nodes = 0;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename();
        nodes += name.starts_with("node") && name.size() > 4 && name[4] >= '0' && name[4] <= '9';
    }
    return std::max(nodes, 1U);
}

// How many cores a list such as "0-3,8" names.
unsigned count_cores(const std::string& list) {
    std::istringstream stream(list);
    unsigned cores = 0;
    for (std::string part; std::getline(stream, part, ',');) {
        const std::size_t dash = part.find('-');
        const auto first = number_in(part);
        const auto last = dash == std::string::npos ? first : number_in(part.substr(dash + 1));
        cores += last >= first ? static_cast<unsigned>(last - first + 1) : 0;
    }
    return cores;
}

std::vector<Machine::Cache> read_caches(const fs::path& cpu) {
    std::vector<Machine::Cache> caches;
    for (unsigned index = 0;; ++index) {
        const fs::path folder = cpu / "cache" / ("index" + std::to_string(index));
        const std::string size = line_of(folder / "size");  // "32K"
        if (size.empty()) {
            return caches;
        }
        caches.push_back({.type = line_of(folder / "type"),
                          .level = static_cast<unsigned>(number_in(line_of(folder / "level"))),
                          .octets = number_in(size) * (size.ends_with('M') ? 1U << 20U : 1U << 10U),
                          .sharing = count_cores(line_of(folder / "shared_cpu_list"))});
    }
}

double measure_tsc() {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds while_measured{20};
    const auto began = Clock::now();
    const std::uint64_t first = cycles_now();
    std::this_thread::sleep_for(while_measured);
    const std::uint64_t last = cycles_now();
    const std::chrono::duration<double, std::nano> elapsed = Clock::now() - began;
    return static_cast<double>(last - first) / elapsed.count();
}

std::string build_text() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return "sanitizers";
#elif defined(__OPTIMIZE__)
    return "release";
#else
    return "without optimisation";
#endif
}

std::string compiler_text() {
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

}  // namespace

Machine read_machine(const fs::path& root) {
    const fs::path cpu_folder = root / "sys/devices/system/cpu";
    const fs::path memory = root / "proc/meminfo";
    const fs::path cpu_info = root / "proc/cpuinfo";
    Machine machine;
    machine.cpu = or_unknown(value_of(cpu_info, "model name"));
    machine.cores = std::thread::hardware_concurrency();
    machine.virtual_machine = value_of(cpu_info, "flags").find(" hypervisor") != std::string::npos;
    machine.tsc_gigahertz = measure_tsc();
    machine.governor = or_unknown(line_of(cpu_folder / "cpu0/cpufreq/scaling_governor"));
    machine.numa_nodes = count_nodes(root / "sys/devices/system/node");
    machine.huge_pages = number_in(value_of(memory, "HugePages_Total"));
    machine.huge_pages_free = number_in(value_of(memory, "HugePages_Free"));
    machine.transparent_huge_pages =
        or_unknown(chosen(line_of(root / "sys/kernel/mm/transparent_hugepage/enabled")));
    machine.isolated_cores = line_of(cpu_folder / "isolated");
    utsname system{};
    ::uname(&system);
    machine.kernel = std::string(system.sysname) + " " + system.release;
    machine.host = system.nodename;
    machine.compiler = compiler_text();
    machine.build = build_text();
    machine.caches = read_caches(cpu_folder / "cpu0");
    std::array<double, 3> load{};
    const int averages = ::getloadavg(load.data(), static_cast<int>(load.size()));
    machine.load.assign(load.begin(), load.begin() + std::max(averages, 0));
    return machine;
}

}  // namespace tapmeter::bench
