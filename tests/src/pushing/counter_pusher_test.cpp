#include "src/pushing/counter_pusher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/src/pushing/http_receiver.h"

namespace tapmeter::pushing {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

Config::Influxdb config_for(const HttpReceiver& receiver) {
    Config::Influxdb config;
    config.url = receiver.url();
    config.interval = seconds{1};
    return config;
}

// What the receiver has is not answered yet.
bool has_done(const CounterPusher& pusher, std::uint64_t pushes) {
    const auto deadline = steady_clock::now() + seconds{20};
    while (pusher.counters().done < pushes && steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    return pusher.counters().done >= pushes;
}

TEST(CounterPusher, pushes_once_an_interval_and_at_the_end) {
    HttpReceiver receiver;
    const auto pusher = CounterPusher::open(config_for(receiver), {}).value();
    std::atomic<int> asked{0};
    const auto began = steady_clock::now();
    pusher->start([&] { return "line " + std::to_string(++asked) + "\n"; });
    ASSERT_TRUE(has_done(*pusher, 2));
    EXPECT_GE(steady_clock::now() - began, seconds{2});
    pusher->finish();
    const auto requests = receiver.requests();
    EXPECT_EQ(requests.size(), static_cast<std::size_t>(asked.load()));
    EXPECT_EQ(requests[0].body, "line 1\n");
    EXPECT_EQ(requests.back().body, "line " + std::to_string(asked) + "\n");
    const auto counters = pusher->counters();
    EXPECT_EQ(counters.done, requests.size());
    EXPECT_EQ(counters.failed, 0U);
    EXPECT_EQ(counters.octets, 7 * requests.size());
}

TEST(CounterPusher, pushes_at_the_end_however_soon_that_comes) {
    HttpReceiver receiver;
    Config::Influxdb config = config_for(receiver);
    config.interval = seconds{3'600};
    const auto pusher = CounterPusher::open(config, {}).value();
    pusher->start([] { return std::string("the last\n"); });
    pusher->finish();
    ASSERT_EQ(receiver.requests().size(), 1U);
    EXPECT_EQ(receiver.requests()[0].body, "the last\n");
}

TEST(CounterPusher, counts_and_says_what_fails) {
    HttpReceiver receiver;
    receiver.answer_with("503 Service Unavailable", "later");
    std::vector<std::string> log;
    const auto pusher = CounterPusher::open(config_for(receiver), [&](std::string line) {
                            log.push_back(line);
                        }).value();
    pusher->start([] { return std::string("line\n"); });
    ASSERT_TRUE(receiver.wait_for(1));
    receiver.answer_with("204 No Content");
    ASSERT_TRUE(has_done(*pusher, 1));
    pusher->finish();
    EXPECT_EQ(pusher->counters().failed, 1U);
    EXPECT_GE(pusher->counters().done, 2U);
    ASSERT_EQ(log.size(), 1U);
    EXPECT_THAT(log[0], HasSubstr("counters were not pushed: "));
    EXPECT_THAT(log[0], HasSubstr("503"));
}

TEST(CounterPusher, ends_while_a_server_does_not_answer) {
    HttpReceiver receiver;
    receiver.answer_with("");
    Config::Influxdb config = config_for(receiver);
    config.timeout = seconds{60};
    const auto pusher = CounterPusher::open(config, {}).value();
    pusher->start([] { return std::string("line\n"); });
    ASSERT_TRUE(receiver.wait_for(1));
    const auto began = steady_clock::now();
    pusher->finish();
    EXPECT_LT(steady_clock::now() - began, seconds{10});
    EXPECT_EQ(pusher->counters().failed, 2U);
}

TEST(CounterPusher, says_at_once_what_it_cannot_use) {
    Config::Influxdb config;
    config.url = "http://h:1";
    config.token_file = "/nowhere";
    EXPECT_FALSE(CounterPusher::open(config, {}));
}

}  // namespace
}  // namespace tapmeter::pushing
