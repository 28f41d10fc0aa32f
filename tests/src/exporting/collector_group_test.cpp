#include "src/exporting/collector_group.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/src/exporting/collector_pair.h"
#include "tests/support/collector.h"
#include "tests/support/tcp_listener.h"

namespace tapmeter::exporting {
namespace {

using collector_pair::config_for;
using collector_pair::Pair;
using collector_pair::points;
using collector_pair::within;
using flow::FlowRecord;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test_support::Collector;
using test_support::mixed_records;
using test_support::TcpListener;
using test_support::UdpListener;
using State = CollectorGroup::State;

constexpr auto failover = Config::Sharing::failover;
constexpr auto balance = Config::Sharing::balance;

CollectorGroup group_of(Config::Sharing sharing, std::size_t members) {
    CollectorGroup group(sharing);
    for (std::size_t i = 0; i < members; ++i) {
        group.join("c" + std::to_string(i), false);
    }
    return group;
}

// Whose each record is; fails where that is not exactly one.
std::vector<std::size_t> owners(CollectorGroup& group, std::size_t members,
                                std::span<const FlowRecord> records) {
    group.deal(records);
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < records.size(); ++i) {
        std::size_t count = 0;
        for (std::size_t place = 0; place < members; ++place) {
            if (group.is_for(place, i)) {
                found.push_back(place);
                ++count;
            }
        }
        EXPECT_EQ(count, 1U) << "record " << i;
    }
    return found;
}

bool all_are(const std::vector<std::size_t>& found, std::size_t place) {
    return std::ranges::all_of(found, [place](std::size_t one) { return one == place; });
}

TEST(CollectorGroup, the_first_that_is_ready_has_all_and_gives_them_back) {
    CollectorGroup group = group_of(failover, 3);
    const auto records = mixed_records(50);
    EXPECT_TRUE(all_are(owners(group, 3, records), 0));
    group.tell(0, State::away);
    EXPECT_TRUE(all_are(owners(group, 3, records), 1));
    group.tell(1, State::full);
    EXPECT_TRUE(all_are(owners(group, 3, records), 2));
    group.tell(0, State::ready);
    EXPECT_TRUE(all_are(owners(group, 3, records), 0));
}

TEST(CollectorGroup, the_last_resort_is_a_spool_then_whoever_can_be_reached_then_the_first) {
    const auto records = mixed_records(5);
    CollectorGroup group(failover);
    group.join("a", false);
    group.join("b", false);
    group.join("c", true);
    group.tell(0, State::away);
    group.tell(1, State::full);
    group.tell(2, State::away);
    EXPECT_TRUE(all_are(owners(group, 3, records), 2));

    CollectorGroup bare = group_of(failover, 2);
    bare.tell(0, State::away);
    bare.tell(1, State::full);
    EXPECT_TRUE(all_are(owners(bare, 2, records), 1));
    bare.tell(1, State::away);
    EXPECT_TRUE(all_are(owners(bare, 2, records), 0));
    EXPECT_FALSE(bare.another_is_ready(0));
    bare.tell(1, State::ready);
    EXPECT_TRUE(bare.another_is_ready(0));
    EXPECT_FALSE(bare.another_is_ready(1));
}

TEST(CollectorGroup, shares_are_even_and_only_those_of_the_lost_one_move) {
    constexpr std::size_t members = 4;
    CollectorGroup group = group_of(balance, members);
    const auto records = mixed_records(20'000);
    const auto before = owners(group, members, records);
    std::array<std::size_t, members> shares{};
    for (const std::size_t owner : before) {
        ++shares[owner];
    }
    for (const std::size_t share : shares) {
        EXPECT_NEAR(static_cast<double>(share), 5'000, 250);
    }
    group.tell(2, State::away);
    const auto after = owners(group, members, records);
    for (std::size_t i = 0; i < records.size(); ++i) {
        EXPECT_NE(after[i], 2U);
        EXPECT_TRUE(before[i] == 2 || after[i] == before[i]) << "record " << i << " moved";
    }
    group.tell(2, State::ready);
    EXPECT_EQ(owners(group, members, records), before);
}

TEST(CollectorGroup, both_directions_of_a_flow_and_all_its_records_have_one_collector) {
    CollectorGroup group = group_of(balance, 3);
    std::vector<FlowRecord> forth = mixed_records(300);
    std::vector<FlowRecord> back = forth;
    for (FlowRecord& record : back) {
        std::swap(record.source, record.destination);
        std::swap(record.source_port, record.destination_port);
        record.flow_id += 1;
        record.end += seconds{60};
    }
    EXPECT_EQ(owners(group, 3, forth), owners(group, 3, back));
}

// ---------------------------------------------------------------- with collectors

TEST(CollectorGroup, another_takes_over_from_a_udp_collector_that_is_gone_until_it_is_back) {
    auto main = std::make_unique<UdpListener>();
    UdpListener spare;
    const std::uint16_t port = main->port();
    const Pair pair(config_for("main", Config::Transport::udp, port),
                    config_for("spare", Config::Transport::udp, spare.port()), failover);
    const auto records = mixed_records(200, 2);
    pair.take(records);
    pair.tick();
    Collector at_main;
    ASSERT_TRUE(main->collect(at_main, records.size()));
    EXPECT_EQ(pair.second->counters().elsewhere.records, records.size());

    main.reset();
    pair.take(std::span{records}.first(1));  // by which it is noticed
    pair.tick();
    ASSERT_TRUE(within(seconds{10}, [&] { return !pair.first->counters().up; }));
    pair.tick();
    pair.take(records);
    pair.tick();
    Collector at_spare;
    ASSERT_TRUE(spare.collect(at_spare, records.size()));
    EXPECT_TRUE(at_spare.faults().empty());
    pair.expect_balanced();

    main = std::make_unique<UdpListener>(false, port);
    ASSERT_TRUE(within(seconds{10}, [&] { return pair.first->counters().up; }))
        << "it is looked for although nothing waits for it";
    pair.tick();
    pair.take(records);
    pair.tick();
    Collector again;
    ASSERT_TRUE(main->collect(again, records.size()));
    EXPECT_EQ(pair.second->counters().sent.records, records.size());
    pair.expect_balanced();
}

TEST(CollectorGroup, a_tcp_collector_that_is_killed_keeps_what_it_had_not_and_loses_the_rest) {
    TcpListener main;
    TcpListener spare;
    const Pair pair(config_for("main", Config::Transport::tcp, main.port()),
                    config_for("spare", Config::Transport::tcp, spare.port()), failover);
    ASSERT_TRUE(main.accept());
    ASSERT_TRUE(spare.accept());
    const auto records = mixed_records(500, 2);
    pair.take(records);
    pair.tick();
    Collector at_main;
    ASSERT_TRUE(main.collect(at_main, records.size()));

    main.hang_up();
    ASSERT_TRUE(within(seconds{10}, [&] { return !pair.first->counters().up; }));
    pair.tick();
    pair.take(records);
    pair.tick();
    Collector at_spare;
    ASSERT_TRUE(spare.collect(at_spare, records.size()));
    EXPECT_TRUE(at_spare.faults().empty());
    EXPECT_EQ(at_spare.missing(), 0U);
    pair.expect_balanced();

    ASSERT_TRUE(main.accept(seconds{10}));
    ASSERT_TRUE(within(seconds{10}, [&] { return pair.first->counters().up; }));
    pair.tick();
    pair.take(records);
    pair.tick();
    Collector again;
    ASSERT_TRUE(main.collect(again, records.size()));
    EXPECT_EQ(again.missing(), 0U);
    pair.expect_balanced();
}

TEST(CollectorGroup, balanced_collectors_have_every_flow_once) {
    UdpListener left;
    UdpListener right;
    const Pair pair(config_for("left", Config::Transport::udp, left.port()),
                    config_for("right", Config::Transport::udp, right.port()), balance);
    const auto records = mixed_records(2'000, 2);
    for (std::size_t from = 0; from < records.size(); from += 200) {
        pair.take(std::span{records}.subspan(from, 200));
    }
    pair.tick();
    const auto of = [](const Output& output) {
        return output.counters().taken.records - output.counters().elsewhere.records;
    };
    EXPECT_GT(of(*pair.first), 800U);
    EXPECT_GT(of(*pair.second), 800U);
    Collector at_left;
    Collector at_right;
    ASSERT_TRUE(left.collect(at_left, of(*pair.first)));
    ASSERT_TRUE(right.collect(at_right, of(*pair.second)));
    std::multiset<std::uint64_t> ids;
    for (const Collector* collector : {&at_left, &at_right}) {
        EXPECT_EQ(collector->missing(), 0U) << "what is elsewhere is no gap";
        for (const auto& record : collector->records()) {
            ids.insert(record.value(148));
        }
    }
    std::multiset<std::uint64_t> wanted;
    for (const FlowRecord& record : records) {
        wanted.insert(record.flow_id);
    }
    EXPECT_EQ(ids, wanted);
    pair.expect_balanced();
}

TEST(CollectorGroup, who_cannot_be_looked_for_is_refused) {
    CollectorGroup* group = nullptr;
    IpfixStart start;
    start.group = &group;
    const auto opened =
        open_ipfix(config_for("v5", Config::Transport::netflow5, 9), points, {}, start);
    ASSERT_FALSE(opened.has_value());
    EXPECT_NE(opened.error().message.find("group:"), std::string::npos) << opened.error().message;
}

}  // namespace
}  // namespace tapmeter::exporting
