// What waits for a collector that is away, and who has it then (collector_group.h).
#include <gtest/gtest.h>

#include <atomic>

#include "tests/src/exporting/collector_pair.h"
#include "tests/support/collector.h"
#include "tests/support/spool_folder.h"
#include "tests/support/tcp_listener.h"

namespace tapmeter::exporting {
namespace {

using collector_pair::config_for;
using collector_pair::Pair;
using collector_pair::within;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::Collector;
using test_support::mixed_records;
using test_support::TcpListener;
using test_support::UdpListener;

constexpr auto failover = Config::Sharing::failover;
constexpr auto balance = Config::Sharing::balance;

// What was taken before anybody knew: the other one has it, and it is counted once.
TEST(HandingOn, what_waits_for_a_collector_that_is_killed_goes_to_another_one) {
    auto main = std::make_unique<TcpListener>();
    TcpListener spare;
    const Pair pair(config_for("main", Config::Transport::tcp, main->port()),
                    config_for("spare", Config::Transport::tcp, spare.port()), failover);
    ASSERT_TRUE(main->accept());
    ASSERT_TRUE(spare.accept());
    const auto records = mixed_records(300, 2);
    pair.take(records);
    pair.tick();
    Collector at_main;
    ASSERT_TRUE(main->collect(at_main, records.size()));
    ASSERT_TRUE(
        within(seconds{10}, [&] { return pair.first->counters().sent.records == records.size(); }));

    main.reset();
    pair.take(records);
    ASSERT_TRUE(within(seconds{10}, [&] {
        pair.tick();
        return pair.second->counters().sent.records == records.size();
    }));
    EXPECT_EQ(pair.first->counters().handed_on.records, records.size());
    EXPECT_EQ(pair.first->counters().queued.records, 0U);
    pair.take(records);
    pair.tick();
    Collector at_spare;
    ASSERT_TRUE(spare.collect(at_spare, 2 * records.size()));
    EXPECT_TRUE(at_spare.faults().empty());
    EXPECT_EQ(at_spare.missing(), 0U) << "numbers of the session they are in";
    pair.expect_balanced();
}

// With a spool it waits for its own collector; and nobody gets messages that it would not make.
TEST(HandingOn, what_waits_stays_where_it_has_a_disk_or_the_others_are_sent_something_else) {
    const test_support::SpoolFolder folder;
    for (const bool spools : {true, false}) {
        auto main = std::make_unique<TcpListener>();
        TcpListener spare;
        Config::Ipfix first = config_for("main", Config::Transport::tcp, main->port());
        Config::Ipfix second = config_for("spare", Config::Transport::tcp, spare.port());
        if (spools) {
            first.spool_folder = folder.path();
        } else {
            second.filter = "proto tcp";
        }
        const Pair pair(first, second, failover);
        ASSERT_TRUE(main->accept());
        ASSERT_TRUE(spare.accept());
        main.reset();
        const auto records = mixed_records(300, 2);
        pair.take(records);
        ASSERT_TRUE(within(seconds{10}, [&] { return !pair.first->counters().up; }));
        for (int tick = 0; tick < 20; ++tick) {
            pair.tick();
            std::this_thread::sleep_for(milliseconds{5});
        }
        const OutputCounters counters = pair.first->counters();
        EXPECT_EQ(counters.handed_on.records, 0U);
        EXPECT_EQ(counters.queued.records + counters.spooled.records + counters.sent.records,
                  records.size());
        pair.expect_balanced();
    }
}

// The other one has its flows by now anyway.
TEST(HandingOn, of_two_that_share_the_other_has_what_waits) {
    auto left = std::make_unique<TcpListener>();
    TcpListener right;
    const Pair pair(config_for("left", Config::Transport::tcp, left->port()),
                    config_for("right", Config::Transport::tcp, right.port()), balance);
    ASSERT_TRUE(left->accept());
    ASSERT_TRUE(right.accept());
    left.reset();
    const auto records = mixed_records(1'000, 2);
    pair.take(records);
    ASSERT_TRUE(within(seconds{10}, [&] {
        pair.tick();
        return pair.first->counters().handed_on.records + pair.first->counters().sent.records ==
               pair.first->counters().taken.records - pair.first->counters().elsewhere.records;
    }));
    EXPECT_GT(pair.first->counters().handed_on.records, 300U);
    Collector at_right;
    const std::uint64_t wanted = records.size() - pair.first->counters().sent.records;
    ASSERT_TRUE(right.collect(at_right, wanted));
    EXPECT_TRUE(at_right.faults().empty());
    EXPECT_EQ(at_right.missing(), 0U);
    pair.expect_balanced();
}

TEST(HandingOn, of_more_that_share_none_would_have_all_of_a_message) {
    CollectorGroup group(balance);
    for (const char* const name : {"a", "b", "c"}) {
        group.join(name, false);
    }
    group.tell(0, CollectorGroup::State::away);
    EXPECT_FALSE(group.may_hand_on(0));
    group.tell(1, CollectorGroup::State::away);
    EXPECT_TRUE(group.may_hand_on(0));
    group.tell(2, CollectorGroup::State::full);
    EXPECT_FALSE(group.may_hand_on(0));
}

// A gap in the numbers of its only session would be loss to it.
TEST(HandingOn, what_waits_for_a_udp_collector_stays) {
    auto main = std::make_unique<UdpListener>();
    UdpListener spare;
    const Pair pair(config_for("main", Config::Transport::udp, main->port()),
                    config_for("spare", Config::Transport::udp, spare.port()), failover);
    const auto records = mixed_records(200, 2);
    pair.take(records);
    pair.tick();
    Collector at_main;
    ASSERT_TRUE(main->collect(at_main, records.size()));
    main.reset();
    pair.take(records);
    ASSERT_TRUE(within(seconds{10}, [&] {
        pair.tick();
        return !pair.first->counters().up;
    }));
    for (int tick = 0; tick < 20; ++tick) {
        pair.tick();
        std::this_thread::sleep_for(milliseconds{5});
    }
    EXPECT_EQ(pair.first->counters().handed_on.records, 0U);
    pair.expect_balanced();
}

// While messages wait that nobody takes, a handshake that takes its time goes on.
TEST(HandingOn, a_session_that_is_being_opened_is_left_alone) {
    static std::atomic<steady_clock::rep> ahead{0};
    IpfixStart start;
    start.now = [] { return steady_clock::now() + steady_clock::duration{ahead.load()}; };
    TcpListener mute;
    TcpListener spare;
    Config::Ipfix second = config_for("spare", Config::Transport::tcp, spare.port());
    second.filter = "proto tcp";
    const Pair pair(config_for("main", Config::Transport::tls, mute.port()), second, failover,
                    start);
    const auto let_pass = [](seconds time) { ahead += steady_clock::duration{time}.count(); };
    ASSERT_TRUE(spare.accept());
    ASSERT_TRUE(mute.accept());
    mute.hang_up();
    pair.take(mixed_records(100, 2));
    ASSERT_TRUE(within(seconds{10}, [&] {
        let_pass(seconds{1});
        return mute.accept(milliseconds{100});
    }));
    for (int turn = 0; turn < 20; ++turn) {
        pair.tick();
        std::this_thread::sleep_for(milliseconds{10});
        if (turn == 10) {
            let_pass(seconds{2});
        }
    }
    EXPECT_FALSE(mute.accept(milliseconds{0})) << "it is tried anew although it may still answer";
    pair.expect_balanced();
}

}  // namespace
}  // namespace tapmeter::exporting
