#include "src/exporting/ipfix_output.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "tests/support/collector.h"
#include "tests/support/flow_records.h"
#include "tests/support/own_network.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::Collector;
using test_support::mixed_records;
using test_support::OwnNetwork;
using test_support::UdpListener;

const Interfaces three_points{{"eth1", ObservationDomainId{10}},
                              {"eth2", ObservationDomainId{20}},
                              {"eth3", ObservationDomainId{10}}};

Config::Ipfix config_for(std::uint16_t port) {
    Config::Ipfix config;
    config.name = "test";
    config.host = "127.0.0.1";
    config.port = port;
    return config;
}

RecordTotals totals_of_all(std::span<const FlowRecord> records) {
    RecordTotals totals;
    for (const FlowRecord& record : records) {
        totals += totals_of(record);
    }
    return totals;
}

void expect_equal(const RecordTotals& a, const RecordTotals& b) {
    EXPECT_EQ(a.records, b.records);
    EXPECT_EQ(a.packets, b.packets);
    EXPECT_EQ(a.octets, b.octets);
}

void expect_balanced(const OutputCounters& counters) {
    RecordTotals sum = counters.encoding;
    sum += counters.left_out;
    sum += counters.queued;
    sum += counters.sent;
    sum += counters.dropped[0];
    sum += counters.dropped[1];
    expect_equal(counters.taken, sum);
}

TEST(IpfixOutput, every_record_arrives_in_its_domain) {
    UdpListener listener;
    auto output = open_ipfix(config_for(listener.port()), three_points).value();
    const auto records = mixed_records(5'000, 3);
    output->take(records);
    output->flush(steady_clock::now() + seconds{10});

    Collector collector;
    ASSERT_TRUE(listener.collect(collector, records.size()));
    EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
    EXPECT_EQ(collector.missing(), 0U);
    EXPECT_LE(collector.longest_message(), message_octets_cap);
    const RecordTotals expected = totals_of_all(records);
    EXPECT_EQ(collector.sum(2), expected.packets);
    EXPECT_EQ(collector.sum(1), expected.octets);
    for (const auto& record : collector.records()) {
        EXPECT_EQ(record.domain, record.value(10) == 2 ? 20U : 10U);
    }
    const OutputCounters counters = output->counters();
    expect_equal(counters.taken, expected);
    expect_equal(counters.sent, expected);
    expect_balanced(counters);
    EXPECT_EQ(output->name(), "ipfix/test");
}

TEST(IpfixOutput, sequence_numbers_wrap) {
    UdpListener listener;
    IpfixStart start;
    start.first_sequence = 0xFFFF'FFFF - 9;
    auto output = open_ipfix(config_for(listener.port()), three_points, {}, start).value();
    output->take(mixed_records(300, 1));
    output->flush(steady_clock::now() + seconds{10});
    Collector collector;
    ASSERT_TRUE(listener.collect(collector, 300));
    EXPECT_EQ(collector.messages().front().sequence, 0xFFFF'FFF6U);
    EXPECT_LT(collector.messages().back().sequence, 400U);  // records of options count too
    EXPECT_TRUE(collector.faults().empty());
    EXPECT_EQ(collector.missing(), 0U);
}

TEST(IpfixOutput, messages_keep_the_configured_limit_by_ipv4_and_ipv6) {
    for (const bool ipv6 : {false, true}) {
        for (const std::uint32_t limit : {512U, 1'232U, 9'000U}) {
            UdpListener listener(ipv6);
            Config::Ipfix config = config_for(listener.port());
            config.host = ipv6 ? "::1" : "127.0.0.1";
            config.message_octets_max = limit;
            auto output = open_ipfix(config, three_points).value();
            output->take(mixed_records(1'000, 3));
            output->flush(steady_clock::now() + seconds{10});
            Collector collector;
            ASSERT_TRUE(listener.collect(collector, 1'000));
            EXPECT_TRUE(collector.faults().empty());
            EXPECT_LE(collector.longest_message(), limit);
            EXPECT_GT(collector.longest_message(), limit - 140);
        }
    }
}

TEST(IpfixOutput, a_partial_message_leaves_within_half_a_second) {
    UdpListener listener;
    auto output = open_ipfix(config_for(listener.port()), three_points).value();
    const auto start = steady_clock::now();
    output->tick(start);
    output->take(mixed_records(1));
    output->tick(start + milliseconds{300});
    EXPECT_EQ(output->counters().encoding.records, 1U);
    output->tick(start + milliseconds{400});
    EXPECT_EQ(output->counters().encoding.records, 0U);
    Collector collector;
    EXPECT_TRUE(listener.collect(collector, 1));
}

// The three laws of a full queue: counted exactly, the oldest kept, the gap visible.
TEST(IpfixOutput, what_a_full_queue_drops_is_counted_and_seen_as_a_gap) {
    std::uint16_t port = 0;
    {
        UdpListener listener;
        port = listener.port();
    }
    Config::Ipfix config = config_for(port);
    config.queue_messages = 3;
    config.message_octets_max = 512;
    auto output = open_ipfix(config, three_points).value();
    const std::vector<FlowRecord> records(403, test_support::tcp_record());  // four a message
    output->take(records);

    // Nobody listens, so nothing leaves: three messages wait, three records are being encoded.
    OutputCounters counters = output->counters();
    expect_balanced(counters);
    EXPECT_EQ(counters.queued.records, 12U);
    EXPECT_EQ(counters.encoding.records, 3U);
    EXPECT_EQ(counters.dropped[0].records, 388U);
    EXPECT_EQ(counters.dropped[0].packets, 388U * 44);
    EXPECT_EQ(counters.sent.records, 0U);

    UdpListener listener(false, port);  // and now somebody does
    Collector collector;
    ASSERT_TRUE(listener.collect(collector, 12));
    output->flush(steady_clock::now() + seconds{10});
    ASSERT_TRUE(listener.collect(collector, 15));
    EXPECT_TRUE(collector.faults().empty());
    EXPECT_EQ(collector.missing(), 388U);
    counters = output->counters();
    expect_balanced(counters);
    EXPECT_EQ(counters.sent.records, 15U);
    EXPECT_TRUE(counters.up);
}

TEST(IpfixOutput, a_collector_that_is_away_costs_no_record_once_it_is_back) {
    std::uint16_t port = 0;
    {
        UdpListener listener;
        port = listener.port();
    }
    auto output = open_ipfix(config_for(port), three_points).value();
    const auto records = mixed_records(2'000, 3);
    output->take(records);
    while (output->counters().up) {
        std::this_thread::yield();
    }
    EXPECT_EQ(output->counters().sent.records, 0U);
    EXPECT_GE(output->counters().templates, 1U) << "tried with Templates alone";

    UdpListener listener(false, port);
    output->flush(steady_clock::now() + seconds{10});
    Collector collector;
    ASSERT_TRUE(listener.collect(collector, records.size()));
    EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
    EXPECT_EQ(collector.missing(), 0U);
    expect_equal(output->counters().sent, totals_of_all(records));
}

TEST(IpfixOutput, a_collector_that_stays_away_is_counted_to_the_last_record) {
    std::uint16_t port = 0;
    {
        UdpListener listener;
        port = listener.port();
    }
    std::mutex mutex;
    std::vector<std::string> lines;
    const LogLine log = [&](std::string line) {
        const std::lock_guard lock(mutex);
        lines.push_back(std::move(line));
    };
    auto output = open_ipfix(config_for(port), three_points, log).value();
    const auto records = mixed_records(2'000, 3);
    const auto before = steady_clock::now();
    output->take(records);
    output->flush(before + seconds{60});
    EXPECT_LT(steady_clock::now() - before, seconds{30}) << "it was tried, and that was it";

    const OutputCounters counters = output->counters();
    expect_balanced(counters);
    expect_equal(counters.dropped[1], totals_of_all(records));
    EXPECT_EQ(counters.sent.records, 0U);
    EXPECT_FALSE(counters.up);
    const std::lock_guard lock(mutex);
    ASSERT_FALSE(lines.empty());
    EXPECT_NE(lines.front().find("ipfix/test"), std::string::npos);
    EXPECT_NE(lines.front().find("Connection refused"), std::string::npos);
}

// A reader at any moment, while records are taken, sent and dropped.
TEST(IpfixOutput, the_account_balances_at_every_read) {
    UdpListener listener;
    Config::Ipfix config = config_for(listener.port());
    config.queue_messages = 4;
    auto output = open_ipfix(config, three_points).value();
    std::atomic<bool> done{false};
    std::jthread reader([&] {
        while (!done.load()) {
            expect_balanced(output->counters());
        }
    });
    const auto records = mixed_records(500, 3);
    for (int round = 0; round < 40; ++round) {
        output->take(records);
        output->tick(steady_clock::now());
    }
    output->flush(steady_clock::now() + seconds{10});
    done = true;
    reader.join();
    const OutputCounters counters = output->counters();
    EXPECT_EQ(counters.taken.records, 20'000U);
    EXPECT_EQ(counters.encoding.records, 0U);
    EXPECT_EQ(counters.queued.records, 0U);
}

// The path becomes narrower under way: what was built for the old one arrives in pieces, what comes
// after fits the new one.
TEST(IpfixOutput, a_path_that_narrows_loses_nothing) {
    OwnNetwork network;
    if (!network.ready()) {
        GTEST_SKIP() << network.why_not();
    }
    network.set_loopback_mtu(1'500);
    UdpListener listener;
    auto output = open_ipfix(config_for(listener.port()), three_points).value();
    Collector collector;
    output->take(mixed_records(1'000));
    output->flush(steady_clock::now() + seconds{10});
    ASSERT_TRUE(listener.collect(collector, 1'000));
    EXPECT_GT(collector.longest_message(), 1'300U);

    network.set_loopback_mtu(1'000);
    const auto deadline = steady_clock::now() + seconds{20};
    std::size_t sent = 1'000;
    std::size_t longest = 0;
    do {
        output->take(mixed_records(100));
        output->flush(steady_clock::now() + seconds{10});
        sent += 100;
        ASSERT_TRUE(listener.collect(collector, sent));
        longest = collector.messages().back().octets;
        for (const auto& message : std::span{collector.messages()}.last(5)) {
            longest = std::max(longest, message.octets);
        }
    } while (longest > 972 && steady_clock::now() < deadline);
    EXPECT_LE(longest, 972U);
    EXPECT_TRUE(collector.faults().empty());
    EXPECT_EQ(collector.missing(), 0U);
    EXPECT_EQ(output->counters().dropped[1].records, 0U);
}

TEST(IpfixOutput, values_out_of_range_are_refused_with_words) {
    Config::Ipfix config = config_for(4739);
    for (const std::uint32_t octets : {1U, 511U, 65'508U}) {
        config.message_octets_max = octets;
        const auto output = open_ipfix(config, three_points);
        ASSERT_FALSE(output);
        EXPECT_NE(output.error().message.find("must be 0 or 512 to 65507"), std::string::npos);
    }
    config = config_for(4739);
    EXPECT_FALSE(open_ipfix(config, {}));
    config.queue_messages = 0;
    EXPECT_FALSE(open_ipfix(config, three_points));
}

TEST(IpfixOutputDeathTest, an_observation_point_that_nobody_named_is_a_bug) {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    EXPECT_DEATH(
        {
            auto output = open_ipfix(config_for(4739), three_points).value();
            FlowRecord record = test_support::tcp_record();
            record.observation_point = 3;
            output->take(std::span{&record, 1});
        },
        "broken expectation");
}

}  // namespace
}  // namespace tapmeter::exporting
