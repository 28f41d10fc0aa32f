#include "src/exporting/pacer.h"

#include <gtest/gtest.h>

#include "src/exporting/ipfix_output.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"
#include "tests/support/tcp_listener.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::mixed_records;

const Pacer::Clock::time_point start{std::chrono::hours{1}};

TEST(Pacer, without_a_limit_is_always_open) {
    Pacer pacer(0);
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(pacer.open(start));
        pacer.spend(1'000'000);
    }
}

// Messages of 20 records, asked for every millisecond: never more than a burst ahead of the rate.
TEST(Pacer, lets_out_no_more_than_the_rate_and_a_burst) {
    for (const std::uint64_t rate : {100U, 1'000U, 50'000U, 1'000'000U}) {
        Pacer pacer(rate);
        std::uint64_t sent = 0;
        const std::uint64_t burst = std::max<std::uint64_t>(rate / 100, 1) + 20;
        for (std::uint64_t ms = 1; ms <= 2'000; ++ms) {
            while (pacer.open(start + milliseconds{ms})) {
                pacer.spend(20);
                sent += 20;
            }
            EXPECT_LE(sent, rate * ms / 1'000 + burst) << rate << " after " << ms << " ms";
        }
        EXPECT_GE(sent + burst, rate * 2) << rate;
    }
}

TEST(Pacer, says_how_long_it_takes) {
    Pacer pacer(1'000);
    ASSERT_TRUE(pacer.open(start));
    pacer.spend(60);  // ten were there
    EXPECT_FALSE(pacer.open(start));
    EXPECT_EQ(pacer.patience(), milliseconds{51});
    EXPECT_FALSE(pacer.open(start + milliseconds{49}));
    EXPECT_TRUE(pacer.open(start + milliseconds{51}));
    pacer.spend(10'000);
    EXPECT_EQ(pacer.patience(), milliseconds{100}) << "asked again at the latest then";
}

Config::Ipfix paced(Config::Transport transport, std::uint16_t port) {
    Config::Ipfix config;
    config.name = "test";
    config.transport = transport;
    config.host = "127.0.0.1";
    config.port = port;
    config.pace = 4'000;
    return config;
}

const Interfaces point{{"eth1", ObservationDomainId{10}}};

// Half a second's worth is not there before half a second is over, less a burst; all of it is sent.
void expect_pace(Output& output, test_support::Collector& collector, auto& listener) {
    const auto records = mixed_records(2'000);
    const auto began = steady_clock::now();
    output.take(records);
    output.tick(began + seconds{1});
    ASSERT_TRUE(listener.collect(collector, records.size()));
    EXPECT_GE(steady_clock::now() - began, milliseconds{450});
    EXPECT_EQ(collector.missing(), 0U);
}

TEST(Pacer, holds_back_datagrams) {
    test_support::UdpListener listener;
    const auto output = open_ipfix(paced(Config::Transport::udp, listener.port()), point).value();
    test_support::Collector collector;
    expect_pace(*output, collector, listener);
}

TEST(Pacer, holds_back_a_stream) {
    test_support::TcpListener listener;
    const auto output = open_ipfix(paced(Config::Transport::tcp, listener.port()), point).value();
    ASSERT_TRUE(listener.accept());
    test_support::Collector collector;
    expect_pace(*output, collector, listener);
}

TEST(Pacer, does_not_hold_up_the_end) {
    test_support::UdpListener listener;
    Config::Ipfix config = paced(Config::Transport::udp, listener.port());
    config.pace = 100;
    const auto output = open_ipfix(config, point).value();
    const auto began = steady_clock::now();
    output->take(mixed_records(2'000));
    output->flush(began + seconds{10});
    EXPECT_LT(steady_clock::now() - began, seconds{5});
    EXPECT_EQ(output->counters().sent.records, 2'000U);
}

}  // namespace
}  // namespace tapmeter::exporting
