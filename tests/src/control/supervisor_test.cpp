#include "src/control/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <vector>

#include "src/control/crash_policy.h"

namespace tapmeter::control {
namespace {

using namespace std::chrono_literals;
using Verdict = CrashPolicy::Verdict;

// Counts what children do, in memory that all of them share.
class Beginnings {
public:
    Beginnings()
        : count_(*std::construct_at(static_cast<std::atomic<int>*>(
              ::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0)))) {}
    int one_more() { return ++count_; }
    int count() const { return count_; }

private:
    std::atomic<int>& count_;
};

void block_handed_on() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
        ::sigaddset(&set, signal);
    }
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

[[noreturn]] void crash(int signal) {
    (void)std::signal(signal, SIG_DFL);
    ::raise(signal);
    std::_Exit(99);
}

int wait_for_signal() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
        ::sigaddset(&set, signal);
    }
    int signal = 0;
    ::sigwait(&set, &signal);
    return signal;
}

TEST(Supervise, gives_the_status_of_a_child_that_ends_by_itself) {
    for (const int status : {0, 1, 3}) {
        Beginnings beginnings;
        const int given = supervise({.data_path =
                                         [&] {
                                             beginnings.one_more();
                                             return status;
                                         },
                                     .crashed = [](int) { return true; }});
        EXPECT_EQ(given, status);
        EXPECT_EQ(beginnings.count(), 1);
    }
}

TEST(Supervise, another_child_follows_one_that_crashed) {
    Beginnings beginnings;
    std::vector<int> signals;
    const int status = supervise({.data_path =
                                      [&] {
                                          const int number = beginnings.one_more();
                                          if (number == 1) {
                                              crash(SIGSEGV);
                                          }
                                          if (number == 2) {
                                              crash(SIGKILL);
                                          }
                                          return 0;
                                      },
                                  .crashed =
                                      [&](int signal) {
                                          signals.push_back(signal);
                                          return true;
                                      }});
    EXPECT_EQ(status, 0);
    EXPECT_EQ(beginnings.count(), 3);
    EXPECT_THAT(signals, ::testing::ElementsAre(SIGSEGV, SIGKILL));
}

TEST(Supervise, none_follows_where_it_is_given_up) {
    Beginnings beginnings;
    const int status = supervise({.data_path = [&]() -> int {
                                      beginnings.one_more();
                                      crash(SIGABRT);
                                  },
                                  .crashed = [](int) { return false; },
                                  .gave_up = 7});
    EXPECT_EQ(status, 7);
    EXPECT_EQ(beginnings.count(), 1);
}

// The kernel may hold on to what the last one had.
TEST(Supervise, what_cannot_begin_is_tried_again_after_a_crash_only) {
    Beginnings first;
    EXPECT_EQ(supervise({.data_path =
                             [&] {
                                 first.one_more();
                                 return 2;
                             },
                         .crashed = [](int) { return true; }}),
              2);
    EXPECT_EQ(first.count(), 1);

    Beginnings later;
    EXPECT_EQ(supervise({.data_path =
                             [&] {
                                 const int number = later.one_more();
                                 if (number == 1) {
                                     crash(SIGSEGV);
                                 }
                                 return number < 4 ? 2 : 0;
                             },
                         .crashed = [](int) { return true; }}),
              0);
    EXPECT_EQ(later.count(), 4);
}

TEST(Supervise, hands_signals_on) {
    block_handed_on();
    for (const int signal : {SIGTERM, SIGHUP, SIGUSR1}) {
        const int status = supervise({.data_path =
                                          [&] {
                                              ::kill(::getppid(), signal);
                                              return wait_for_signal();
                                          },
                                      .crashed = [](int) { return true; }});
        EXPECT_EQ(status, signal);
    }
}

TEST(Supervise, a_child_that_was_told_to_stop_and_crashes_is_the_last) {
    block_handed_on();
    Beginnings beginnings;
    const int status = supervise({.data_path = [&]() -> int {
                                      beginnings.one_more();
                                      ::kill(::getppid(), SIGTERM);
                                      wait_for_signal();
                                      crash(SIGSEGV);
                                  },
                                  .crashed = [](int) { return true; },
                                  .gave_up = 5});
    EXPECT_EQ(status, 5);
    EXPECT_EQ(beginnings.count(), 1);
}

TEST(Supervise, names_signals_and_core_files) {
    EXPECT_EQ(signal_name(SIGSEGV), "SIGSEGV");
    EXPECT_EQ(signal_name(SIGKILL), "SIGKILL");
    EXPECT_EQ(signal_name(40), "signal 40");
    EXPECT_THAT(core_hint(), ::testing::HasSubstr("core file"));
}

TEST(CrashPolicy, the_third_fault_of_inspection_in_a_minute_switches_it_off) {
    CrashPolicy policy;
    const CrashPolicy::Time start{};
    EXPECT_EQ(policy.judge(true, start), Verdict::again);
    EXPECT_EQ(policy.judge(true, start + 30s), Verdict::again);
    EXPECT_EQ(policy.judge(true, start + 60s), Verdict::without_inspection);

    CrashPolicy patient;
    EXPECT_EQ(patient.judge(true, start), Verdict::again);
    EXPECT_EQ(patient.judge(true, start + 30s), Verdict::again);
    EXPECT_EQ(patient.judge(true, start + 61s), Verdict::again) << "the first is forgotten";
}

TEST(CrashPolicy, the_fifth_other_crash_in_a_minute_is_the_last) {
    CrashPolicy policy;
    const CrashPolicy::Time start{};
    for (int second = 0; second < 4; ++second) {
        EXPECT_EQ(policy.judge(false, start + second * 15s), Verdict::again);
        EXPECT_EQ(policy.judge(true, start + second * 100s), Verdict::again) << "apart";
    }
    EXPECT_EQ(policy.judge(false, start + 60s), Verdict::give_up);

    CrashPolicy patient;
    for (int minute = 0; minute < 20; ++minute) {
        EXPECT_EQ(patient.judge(false, start + minute * 16s), Verdict::again);
    }
}

}  // namespace
}  // namespace tapmeter::control
