#include "pipeline/inspect/signature_compile.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "pipeline/inspect/signature_cache.h"
#include "pipeline/inspect/signature_hyperscan.h"

namespace tapmeter::inspect {

namespace {

using Clock = std::chrono::steady_clock;

// The child's answer is a row of these, each in front of `octets` octets.
enum class Kind : std::uint32_t { literals, expressions, refused, error, done };
struct Frame {
    Kind kind{};
    std::uint32_t slot = 0;
    std::uint64_t octets = 0;
};

bool write_all(int to, std::string_view octets) noexcept {
    while (!octets.empty()) {
        const ssize_t count = write(to, octets.data(), octets.size());
        if (count < 0 && errno != EINTR) {
            return false;
        }
        octets.remove_prefix(count < 0 ? 0 : static_cast<std::size_t>(count));
    }
    return true;
}

void send(int to, Kind kind, std::size_t slot, std::string_view octets) noexcept {
    const Frame frame{kind, static_cast<std::uint32_t>(slot), octets.size()};
    std::array<char, sizeof(Frame)> head{};
    std::memcpy(head.data(), &frame, sizeof(Frame));
    write_all(to, {head.data(), head.size()});
    write_all(to, octets);
}

// False: said why, and there is no point in going on.
bool compile_slot(const ScanPlan& plan, std::size_t slot, int to) {
    const auto literals = compile_literals(plan.by_slot[slot]);
    if (!literals) {
        send(to, Kind::error, slot, literals.error().message);
        return false;
    }
    send(to, Kind::literals, slot, *literals);
    const auto expressions = compile_expressions(plan.by_slot[slot]);
    if (!expressions) {
        send(to, Kind::error, slot, expressions.error().message);
        return false;
    }
    send(to, Kind::expressions, slot, expressions->octets);
    send(to, Kind::refused, slot, octets_of(expressions->refused));
    return true;
}

std::size_t mapped_octets() noexcept {
    std::array<char, 128> text{};
    const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    const ssize_t count = file < 0 ? 0 : read(file, text.data(), text.size() - 1);
    if (file >= 0) {
        close(file);
    }
    return count <= 0 ? 0
                      : std::strtoull(text.data(), nullptr, 10) *
                            static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void limit(decltype(RLIMIT_CPU) resource, std::uint64_t most) noexcept {
    const rlimit wanted{most, most};
    setrlimit(resource, &wanted);
}

[[noreturn]] void be_child(const ScanPlan& plan, const CompileLimits& limits, int to) {
    limit(RLIMIT_CPU, static_cast<std::uint64_t>(limits.cpu_time.count()));
    // A process that has mapped so much has the shadow memory of a sanitizer, which grows as it
    // likes.
    constexpr std::size_t shadow_octets = std::size_t{1} << 40U;
    if (const std::size_t mapped = mapped_octets(); mapped < shadow_octets) {
        limit(RLIMIT_AS, mapped + limits.memory_octets);
    }
    limit(RLIMIT_CORE, 0);
    bool whole = true;
    for (std::size_t slot = 0; slot < slots && whole; ++slot) {
        whole = compile_slot(plan, slot, to);
    }
    if (whole) {
        send(to, Kind::done, 0, {});
    }
    _exit(whole ? 0 : 1);  // nothing of the parent's is flushed or closed twice
}

// Reads until the child closes its end; none: the time is up.
std::optional<std::string> read_answer(int from, Clock::time_point deadline) {
    std::string answer;
    std::array<char, 65'536> part{};
    while (true) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        pollfd ready{from, POLLIN, 0};
        const int count = left.count() <= 0 ? 0 : poll(&ready, 1, static_cast<int>(left.count()));
        if (count == 0) {
            return std::nullopt;
        }
        if (count < 0) {
            continue;
        }
        const ssize_t octets = read(from, part.data(), part.size());
        if (octets < 0 && errno == EINTR) {
            continue;
        }
        if (octets <= 0) {
            return answer;
        }
        answer.append(part.data(), static_cast<std::size_t>(octets));
    }
}

bool take_frame(const Frame& frame, std::string_view octets, CompiledSlots& out) {
    if (frame.slot >= slots) {
        return false;
    }
    if (frame.kind == Kind::literals) {
        out.literals[frame.slot] = octets;
    } else if (frame.kind == Kind::expressions) {
        out.expressions[frame.slot] = octets;
    } else if (frame.kind == Kind::refused) {
        out.refused[frame.slot] = numbers_of(octets);
    }
    return true;
}

tl::unexpected<Error> refused(const std::string& why) {
    return failed(Error::Kind::invalid_config,
                  "signatures: " + why + "; the set that was active stays active");
}

Result<CompiledSlots> parse_answer(std::string_view answer, int status,
                                   const CompileLimits& limits) {
    CompiledSlots out;
    while (answer.size() >= sizeof(Frame)) {
        Frame frame;
        std::memcpy(&frame, answer.data(), sizeof(Frame));
        answer.remove_prefix(sizeof(Frame));
        if (frame.octets > answer.size()) {
            break;
        }
        const std::string_view octets = answer.substr(0, frame.octets);
        answer.remove_prefix(frame.octets);
        if (frame.kind == Kind::done) {
            return out;
        }
        if (frame.kind == Kind::error) {
            return refused(std::string(octets));
        }
        if (!take_frame(frame, octets, out)) {
            break;
        }
    }
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL)) {
        return refused("compiling took more than " + std::to_string(limits.cpu_time.count()) +
                       " s of CPU; load fewer rules, or simpler regular expressions");
    }
    return refused("the compiler needed more than " + std::to_string(limits.memory_octets >> 20U) +
                   " MiB or broke; load fewer rules, or simpler regular expressions");
}

Result<CompiledSlots> compile_in_child(const ScanPlan& plan, const CompileLimits& limits) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        return failed(Error::Kind::io, std::string("signatures: no pipe to a compiler: ") +
                                           std::strerror(errno) + "; close files or raise nofile");
    }
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        be_child(plan, limits, ends[1]);
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return failed(Error::Kind::io, std::string("signatures: no process for the compiler: ") +
                                           std::strerror(errno) + "; raise nproc or free memory");
    }
    const auto answer = read_answer(ends[0], Clock::now() + limits.wall_time);
    close(ends[0]);
    if (!answer) {
        kill(child, SIGKILL);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return parse_answer(answer.value_or(std::string{}), status, limits);
}

}  // namespace

Result<CompiledSlots> compile_scans(const ScanPlan& plan, const CompileLimits& limits,
                                    const std::string& cache_folder) {
    const auto start = Clock::now();
    const auto took = [start] {
        return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
    };
    const std::string file =
        cache_folder.empty() ? std::string{} : cache_folder + "/" + cache_name_of(plan);
    if (!file.empty()) {
        if (auto cached = read_cache(file)) {
            cached->from_cache = true;
            cached->took = took();
            return std::move(*cached);
        }
    }
    auto compiled = compile_in_child(plan, limits);
    if (compiled) {
        compiled->took = took();
        if (!file.empty()) {
            write_cache(file, *compiled);
        }
    }
    return compiled;
}

}  // namespace tapmeter::inspect
