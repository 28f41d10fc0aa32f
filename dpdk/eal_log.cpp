#include "dpdk/eal_log.h"

#include <rte_log.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string_view>

namespace tapmeter::dpdk {

namespace {

struct Line {
    std::array<char, log_line_octets_max> text{};
    std::size_t octets = 0;
};

// Nothing in it needs a destructor: DPDK's interrupt thread outlives main() and may still log.
struct Log {
    std::mutex mutex;
    std::array<Line, log_lines_max> lines{};
    std::uint64_t count = 0;  // since start; line n lives at n % log_lines_max
    std::FILE* stream = nullptr;
};

Log& the_log() noexcept {
    static Log log;
    return log;
}

bool is_space(char letter) noexcept {
    return letter == '\n' || letter == '\r' || letter == ' ' || letter == '\t';
}

void keep_line(std::string_view text) noexcept {
    while (!text.empty() && is_space(text.back())) {
        text.remove_suffix(1);
    }
    if (text.empty()) {
        return;
    }
    Log& log = the_log();
    const std::lock_guard guard(log.mutex);
    Line& line = log.lines.at(log.count % log_lines_max);
    line.octets = std::min(text.size(), line.text.size());
    // What a driver says may carry a device's or peer's octets: nothing unprintable passes.
    std::ranges::transform(text.substr(0, line.octets), line.text.begin(), [](char letter) {
        return letter >= ' ' && letter <= '~' ? letter : ' ';
    });
    ++log.count;
}

// The stream's write function; DPDK flushes after each message.
ssize_t keep(void* /*cookie*/, const char* text, std::size_t octets) noexcept {
    std::string_view rest(text, octets);
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
        keep_line(rest.substr(0, end + 1));
        rest.remove_prefix(end + 1);
    }
    return static_cast<ssize_t>(octets);
}

}  // namespace

bool catch_dpdk_log() noexcept {
    Log& log = the_log();
    if (log.stream == nullptr) {
        const cookie_io_functions_t functions{
            .read = nullptr, .write = keep, .seek = nullptr, .close = nullptr};
        log.stream = fopencookie(nullptr, "w", functions);
    }
    if (log.stream == nullptr) {
        return false;
    }
    rte_log_set_global_level(RTE_LOG_WARNING);
    return rte_openlog_stream(log.stream) == 0;
}

std::uint64_t log_mark() noexcept {
    Log& log = the_log();
    const std::lock_guard guard(log.mutex);
    return log.count;
}

std::string log_since(std::uint64_t mark) {
    Log& log = the_log();
    const std::lock_guard guard(log.mutex);
    const std::uint64_t oldest = log.count > log_lines_max ? log.count - log_lines_max : 0;
    std::string text;
    for (std::uint64_t number = std::max(mark, oldest); number < log.count; ++number) {
        const Line& line = log.lines.at(number % log_lines_max);
        text.append(text.empty() ? "" : "; ").append(line.text.data(), line.octets);
    }
    return text;
}

std::string quoted_log_since(std::uint64_t mark) {
    const std::string said = log_since(mark);
    return said.empty() ? said : " (DPDK says: " + said + ")";
}

}  // namespace tapmeter::dpdk
