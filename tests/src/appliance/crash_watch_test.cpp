#include "src/appliance/crash_watch.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <thread>

namespace tapmeter {
namespace {

inspect::CrashSlot& shared_slot() {
    return *std::construct_at(static_cast<inspect::CrashSlot*>(
        ::mmap(nullptr, sizeof(inspect::CrashSlot), PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS, -1, 0)));
}

// The signal that ended a child in which a watched thread did this.
template <class Act>
int ends_by(inspect::CrashSlot& slot, Act act) {
    const pid_t child = ::fork();
    if (child == 0) {
        note_crashes();
        std::thread([&] {
            const CrashWatch watch(&slot);
            act();
        }).join();
        std::_Exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

[[gnu::noinline]] int use_up_the_stack(int depth) {
    std::array<int, 1'024> frame{};
    frame[static_cast<std::size_t>(depth) % frame.size()] = depth;
    return depth == 0 ? 0 : use_up_the_stack(depth + 1) + frame[7];
}

TEST(CrashWatch, the_thread_that_faults_says_so_and_the_process_ends_as_it_would) {
    inspect::CrashSlot& slot = shared_slot();
    EXPECT_EQ(ends_by(slot, [] { *std::bit_cast<int*>(std::uintptr_t{16}) = 1; }), SIGSEGV);
    EXPECT_EQ(slot.signal.exchange(0), SIGSEGV);
    EXPECT_EQ(ends_by(slot, [] { std::abort(); }), SIGABRT);
    EXPECT_EQ(slot.signal.exchange(0), SIGABRT);
    EXPECT_EQ(ends_by(slot, [] { ::raise(SIGILL); }), SIGILL);
    EXPECT_EQ(slot.signal.exchange(0), SIGILL);
}

TEST(CrashWatch, a_stack_that_is_used_up_is_noted_too) {
    inspect::CrashSlot& slot = shared_slot();
    EXPECT_EQ(ends_by(slot, [] { (void)use_up_the_stack(1); }), SIGSEGV);
    EXPECT_EQ(slot.signal.exchange(0), SIGSEGV);
}

TEST(CrashWatch, other_threads_faults_are_not_noted) {
    inspect::CrashSlot& slot = shared_slot();
    EXPECT_EQ(ends_by(slot, [] { std::thread([] { std::abort(); }).join(); }), SIGABRT);
    EXPECT_EQ(slot.signal.load(), 0);
    EXPECT_EQ(ends_by(slot, [] {}), 0);
}

}  // namespace
}  // namespace tapmeter
