// Templates that change at a reload while messages wait: on disk, over a restart, for a Collector
// of a group that is away.
#include <gtest/gtest.h>

#include "tests/src/exporting/template_change.h"
#include "tests/support/spool_folder.h"

namespace tapmeter::exporting {
namespace {

using collector_pair::within;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using template_change::both_withdrawn;
using template_change::Changing;
using template_change::expect_flawless;
using template_change::ids_of;
using template_change::packet_delta_count;
using template_change::sets_of;
using template_change::short_list;
using template_change::tcp_to;
using template_change::unused_port;
using test_support::Collector;
using test_support::mixed_records;
using test_support::TcpListener;
using test_support::wait_until;

class TemplateChangeSpooled : public testing::Test {
protected:
    Config::Ipfix config_for(std::uint16_t port) const {
        Config::Ipfix config = tcp_to(port);
        config.queue_messages = 512;
        config.spool_folder = folder.path();
        return config;
    }
    test_support::SpoolFolder folder;
};

// All of one run: within a session, as from the queue.
TEST_F(TemplateChangeSpooled, what_is_on_disk_of_both_kinds_is_one_session) {
    const std::uint16_t port = unused_port();
    Changing exporter(config_for(port));
    exporter.take(10'000);
    exporter.change_to(short_list);
    exporter.take(10'000);
    wait_until([&] { return exporter.output->counters().spooled.records > 15'000; });
    TcpListener listener(port);
    ASSERT_TRUE(listener.accept());
    Collector collector;
    exporter.change_to({});
    exporter.take(1'000);
    ASSERT_TRUE(listener.collect(collector, 21'000));
    wait_until([&] { return exporter.output->counters().sent.records == 21'000; });
    expect_flawless(collector);
    EXPECT_EQ(ids_of(collector).size(), 21'000U);
    EXPECT_EQ(collector.withdrawn(), both_withdrawn({256, 1'024}));
    EXPECT_EQ(folder.files(), 0U);
    test_support::expect_balanced(exporter.output->counters());
}

// A spool that fills while a session stands, and what it has on its way moves to the disk.
TEST_F(TemplateChangeSpooled, a_slow_reader_gets_all_in_order) {
    TcpListener listener;
    Changing exporter(config_for(listener.port()));
    ASSERT_TRUE(listener.accept());
    exporter.take(40'000);  // nobody reads
    exporter.change_to(short_list);
    exporter.take(40'000);
    EXPECT_GT(exporter.output->counters().spooled.records, 0U);
    Collector collector;
    ASSERT_TRUE(listener.collect(collector, 80'000, seconds{60}));
    expect_flawless(collector);
    EXPECT_EQ(ids_of(collector).size(), 80'000U);
    EXPECT_EQ(collector.withdrawn(), both_withdrawn({256}));
}

// What a later run finds has the Templates it was made with, in sessions of its own.
TEST_F(TemplateChangeSpooled, a_restart_finds_both_kinds) {
    const std::uint16_t port = unused_port();
    std::uint64_t last_id = 0;
    {
        Changing exporter(config_for(port));
        exporter.take(3'000);
        exporter.change_to(short_list);
        exporter.take(3'000);
        exporter.output->flush(steady_clock::now() + seconds{2});
        EXPECT_EQ(exporter.output->counters().spooled.records, 6'000U);
        last_id = exporter.last_id;
    }
    TcpListener listener(port);
    Config::Ipfix config = config_for(port);
    config.fields = {"flowId", "protocolIdentifier"};
    Changing exporter(config);
    exporter.last_id = last_id;
    std::set<std::uint64_t> ids;
    for (const unsigned first_id : {256U, 1'024U}) {
        ASSERT_TRUE(listener.accept());
        Collector collector;
        ASSERT_TRUE(listener.collect(collector, 3'000));
        expect_flawless(collector);
        EXPECT_EQ(sets_of(collector), (std::set<unsigned>{first_id}));
        EXPECT_EQ(collector.records().front().has(packet_delta_count), true);
        ids.merge(ids_of(collector));
    }
    exporter.take(100);
    ASSERT_TRUE(listener.accept());
    Collector collector;
    ASSERT_TRUE(listener.collect(collector, 100));
    expect_flawless(collector);
    EXPECT_FALSE(collector.records().front().has(packet_delta_count));
    ids.merge(ids_of(collector));
    EXPECT_EQ(ids.size(), 6'100U);
}

// The other one goes on with what both have; what is older waits for its own collector.
TEST(TemplateChange, in_a_group_hands_on_what_the_other_has_templates_for) {
    using collector_pair::config_for;
    auto main = std::make_unique<TcpListener>();
    TcpListener spare;
    Config::Ipfix first = config_for("main", Config::Transport::tcp, main->port());
    Config::Ipfix second = config_for("spare", Config::Transport::tcp, spare.port());
    collector_pair::Pair pair(first, second, Config::Sharing::failover);
    ASSERT_TRUE(main->accept());
    ASSERT_TRUE(spare.accept());
    Config fresh;
    first.fields = short_list;
    second.fields = short_list;
    fresh.ipfix = {first, second};
    for (Output* const output : {pair.first.get(), pair.second.get()}) {
        EXPECT_NE(output->reload(fresh).find("from id 1024"), std::string::npos);
    }
    main.reset();
    const auto records = mixed_records(300, 2);
    pair.take(records);
    ASSERT_TRUE(within(seconds{10}, [&] {
        pair.tick();
        return pair.second->counters().sent.records == records.size();
    }));
    EXPECT_EQ(pair.first->counters().handed_on.records, records.size());
    Collector at_spare;
    ASSERT_TRUE(spare.collect(at_spare, records.size()));
    expect_flawless(at_spare);
    EXPECT_EQ(sets_of(at_spare), (std::set<unsigned>{1'024}));
    pair.expect_balanced();
}

TEST(TemplateChange, in_a_group_what_was_made_before_it_stays_where_it_is) {
    using collector_pair::config_for;
    auto main = std::make_unique<TcpListener>();
    const std::uint16_t port = main->port();
    TcpListener spare;
    Config::Ipfix first = config_for("main", Config::Transport::tcp, port);
    Config::Ipfix second = config_for("spare", Config::Transport::tcp, spare.port());
    collector_pair::Pair pair(first, second, Config::Sharing::failover);
    ASSERT_TRUE(main->accept());
    ASSERT_TRUE(spare.accept());
    main.reset();
    const auto records = mixed_records(300, 2);
    pair.first->take(records);
    second.fields = short_list;
    Config fresh;
    fresh.ipfix = {first, second};
    EXPECT_EQ(pair.first->reload(fresh), "");
    EXPECT_NE(pair.second->reload(fresh), "");
    pair.second->take(records);
    for (int tick = 0; tick < 20; ++tick) {
        pair.tick();
        std::this_thread::sleep_for(milliseconds{5});
    }
    EXPECT_EQ(pair.first->counters().handed_on.records, 0U);
    main = std::make_unique<TcpListener>(port);
    ASSERT_TRUE(within(seconds{10}, [&] {
        pair.tick();
        return main->accept(milliseconds{0});
    }));
    Collector at_main;
    ASSERT_TRUE(main->collect(at_main, records.size()));
    expect_flawless(at_main);
    EXPECT_EQ(sets_of(at_main), (std::set<unsigned>{256}));
    pair.expect_balanced();
}

}  // namespace
}  // namespace tapmeter::exporting
