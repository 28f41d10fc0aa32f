// A worker at work allocates nothing and calls no kernel: allocations are counted by replacing the
// allocator of this program, system calls by forbidding them to a child.
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <new>

#include "tests/src/bench/in_memory_worker.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

namespace {

thread_local std::uint64_t allocations = 0;

}  // namespace

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Every allocation of C and C++ alike comes by here; glibc's own stand behind them.
extern "C" {
void* __libc_malloc(std::size_t);  // NOLINT(bugprone-reserved-identifier): glibc's name
void* __libc_calloc(std::size_t, std::size_t);  // NOLINT(bugprone-reserved-identifier): as above
void* __libc_realloc(void*, std::size_t);       // NOLINT(bugprone-reserved-identifier): as above

void* malloc(std::size_t octets) noexcept {
    ++allocations;
    return __libc_malloc(octets);
}
void* calloc(std::size_t count, std::size_t octets) noexcept {
    ++allocations;
    return __libc_calloc(count, octets);
}
void* realloc(void* old, std::size_t octets) noexcept {
    ++allocations;
    return __libc_realloc(old, octets);
}
}
#endif

namespace tapmeter::bench {
namespace {

using testing::InMemoryWorker;
using testing::small_traffic;
using Kind = TrafficRequest::Kind;

constexpr std::size_t flows = 4'096;
constexpr std::size_t packets = 20'000;

struct AtWork {
    explicit AtWork(Kind kind, const LiveClock* clock = nullptr)
        : traffic(small_traffic(kind, kind == Kind::imix ? flows / 8 : flows, packets)),
          source(traffic, {.clock = clock}),
          worker(source, flows, clock) {
        worker.meter(2 * packets);
    }
    Traffic traffic;
    MemorySource source;
    InMemoryWorker worker;
};

class SteadyState : public ::testing::TestWithParam<Kind> {};

TEST_P(SteadyState, allocates_nothing) {
    if (sanitized) {
        GTEST_SKIP() << "sanitizers bring an allocator of their own";
    }
    const auto at_work = std::make_unique<AtWork>(GetParam());
    const std::uint64_t before = allocations;
    at_work->worker.meter(10 * packets);
    EXPECT_EQ(allocations - before, 0U);
    EXPECT_GE(at_work->worker.worker().books().received_packets, 12 * packets);
}

INSTANTIATE_TEST_SUITE_P(OfEachTraffic, SteadyState,
                         ::testing::Values(Kind::uniform, Kind::flood, Kind::imix));

TEST(Counting, sees_an_allocation) {
    if (sanitized) {
        GTEST_SKIP() << "sanitizers bring an allocator of their own";
    }
    const std::uint64_t before = allocations;
    const std::unique_ptr<void, decltype(&std::free)> octets(std::malloc(1), &std::free);
    EXPECT_NE(octets, nullptr);
    const auto number = std::make_unique<int>(1);
    EXPECT_NE(number, nullptr);
    EXPECT_EQ(allocations - before, 2U);
}

// From here on only leaving is allowed: any other system call ends the process with SIGSYS.
void forbid_system_calls() {
    const auto statement = [](unsigned code, unsigned value) {
        return sock_filter{static_cast<std::uint16_t>(code), 0, 0, value};
    };
    std::array program{
        statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_exit_group},
        statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        statement(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        ::_exit(2);
    }
}

// What became of a child that does this without a system call: its exit status, or the signal
// that ended it as a negative number.
template <class Work>
int status_of_child(const Work& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        forbid_system_calls();
        work();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

constexpr int no_filter = 2;

TEST(SystemCalls, a_child_that_makes_one_is_seen) {
    const int status = status_of_child([] { ::syscall(SYS_getppid); });
    if (sanitized || status == no_filter) {
        GTEST_SKIP() << "no seccomp filter here, or sanitizers that call the kernel themselves";
    }
    EXPECT_EQ(status, -SIGSYS);
}

TEST(SystemCalls, a_worker_makes_none) {
    const LiveClock clock;
    const int clock_status = status_of_child([&clock] { (void)clock.now(); });
    if (sanitized || clock_status != 0) {
        GTEST_SKIP() << "no seccomp filter here, sanitizers, or a clock that asks the kernel";
    }
    const auto at_work = std::make_unique<AtWork>(Kind::uniform, &clock);
    EXPECT_EQ(status_of_child([&] { at_work->worker.meter(10 * packets); }), 0);
}

}  // namespace
}  // namespace tapmeter::bench
