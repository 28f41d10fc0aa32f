#include "src/verbs/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <future>
#include <string>

namespace tapmeter::verbs {
namespace {

using namespace std::chrono_literals;

void tell(int signal) {
    ::kill(::getpid(), signal);
}

bool arrives(std::promise<void>& called) {
    return called.get_future().wait_for(60s) == std::future_status::ready;
}

class EitherStop : public ::testing::TestWithParam<int> {};
TEST_P(EitherStop, is_turned_into_a_call_once) {
    block_signals();
    std::promise<void> stopped;
    const SignalWatch watch(
        {.stop = [&] { stopped.set_value(); }, .reload = {}, .print_books = {}});
    tell(GetParam());
    EXPECT_TRUE(arrives(stopped));
}
INSTANTIATE_TEST_SUITE_P(, EitherStop, ::testing::Values(SIGINT, SIGTERM));

TEST(Signals, hang_up_reloads_and_user_1_prints_the_books) {
    block_signals();
    std::promise<void> reloaded;
    std::promise<void> printed;
    const SignalWatch watch({.stop = [] { FAIL() << "nobody asked for the end"; },
                             .reload = [&] { reloaded.set_value(); },
                             .print_books = [&] { printed.set_value(); }});
    tell(SIGHUP);
    EXPECT_TRUE(arrives(reloaded));
    tell(SIGUSR1);
    EXPECT_TRUE(arrives(printed));
}

TEST(Signals, those_without_an_action_are_ignored) {
    block_signals();
    std::promise<void> stopped;
    const SignalWatch watch(
        {.stop = [&] { stopped.set_value(); }, .reload = {}, .print_books = {}});
    tell(SIGHUP);
    tell(SIGUSR1);
    const std::string from_another = "kill -USR2 " + std::to_string(::getpid());
    ASSERT_EQ(std::system(from_another.c_str()), 0);
    tell(SIGTERM);
    EXPECT_TRUE(arrives(stopped)) << "still watching";
}

TEST(Signals, those_that_came_before_the_watch_are_answered_too) {
    block_signals();
    tell(SIGTERM);
    std::promise<void> stopped;
    const SignalWatch watch(
        {.stop = [&] { stopped.set_value(); }, .reload = {}, .print_books = {}});
    EXPECT_TRUE(arrives(stopped));
}

TEST(Signals, a_reader_that_goes_away_does_not_kill_us) {
    block_signals();
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    ::close(ends[0]);
    EXPECT_EQ(::write(ends[1], "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
    ::close(ends[1]);
}

TEST(SignalsDeathTest, asked_twice_the_process_ends_at_once) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            block_signals();
            std::promise<void> stopped;
            const SignalWatch watch(
                {.stop = [&] { stopped.set_value(); }, .reload = {}, .print_books = {}});
            tell(SIGTERM);
            arrives(stopped);
            tell(SIGTERM);
            std::promise<void> never;
            arrives(never);
        },
        ::testing::ExitedWithCode(128 + SIGTERM), "");
}

}  // namespace
}  // namespace tapmeter::verbs
