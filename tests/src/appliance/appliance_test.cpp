#include "src/appliance/appliance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "src/appliance/cores.h"
#include "tests/src/appliance/appliance_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using testing::ApplianceBench;
using testing::broken_law;
using ::testing::HasSubstr;
using testing::packets_of;
using testing::recording;

using capture_files::testing::TemporaryFile;

TEST(Appliance, a_recording_goes_through_to_the_last_packet) {
    const auto input = recording(200);
    const TemporaryFile file(input.file);
    ApplianceBench bench({"pcap:" + file.path().string()});
    ASSERT_TRUE(bench.build().has_value());
    ASSERT_TRUE(bench.appliance->start().has_value());
    EXPECT_TRUE(bench.appliance->wait_for(60s)) << "ends by itself";
    bench.appliance->stop(10s);

    const metrics::Snapshot books = bench.appliance->snapshot();
    EXPECT_TRUE(books.settled);
    EXPECT_EQ(broken_law(books), "");
    EXPECT_EQ(books.interfaces.at(0).counters.offered.value, input.packets);
    EXPECT_EQ(books.interfaces.at(0).counters.received_octets.value, input.octets);
    EXPECT_EQ(books.workers.at(0).books.metered.packets, input.packets);
    EXPECT_EQ(books.outputs.at(0).counters.sent.packets, input.packets);
    const auto lines = bench.lines();
    EXPECT_GE(lines.size(), 200U);
    EXPECT_EQ(lines.size(), books.outputs.at(0).counters.sent.records);
    EXPECT_EQ(packets_of(lines), input.packets);
}

TEST(Appliance, packets_are_steered_by_software_where_the_configuration_says_so) {
    using Steered = Config::Steering;
    for (const std::uint32_t workers : {1U, 2U}) {
        for (const auto steering : {Steered::automatic, Steered::software}) {
            ApplianceBench bench({"gen:"}, workers);
            bench.config.workers.steering = steering;
            ASSERT_TRUE(bench.build().has_value());
            EXPECT_EQ(bench.appliance->snapshot().steered, workers == 2)
                << "one queue cannot feed two workers, and needs no steering for one";
        }
    }
}

TEST(Appliance, a_worker_without_a_queue_is_refused) {
    ApplianceBench bench({"gen:"}, 2);
    bench.config.workers.steering = Config::Steering::hardware;
    const auto built = bench.build();
    ASSERT_FALSE(built.has_value());
    EXPECT_THAT(built.error().message, HasSubstr("workers.steering"));
    EXPECT_THAT(built.error().message, HasSubstr("auto"));
    ApplianceBench alone({"gen:"}, 1);
    alone.config.workers.steering = Config::Steering::hardware;
    EXPECT_TRUE(alone.build().has_value());
}

TEST(Appliance, flows_do_not_depend_on_the_number_of_workers) {
    const auto input = recording(300);
    const TemporaryFile file(input.file);
    std::vector<std::multiset<std::string>> runs;
    for (const std::uint32_t workers : {1U, 3U}) {
        ApplianceBench bench({"pcap:" + file.path().string()}, workers);
        ASSERT_TRUE(bench.build().has_value());
        ASSERT_TRUE(bench.appliance->start().has_value());
        EXPECT_TRUE(bench.appliance->wait_for(60s));
        bench.appliance->stop(10s);
        const metrics::Snapshot books = bench.appliance->snapshot();
        EXPECT_EQ(books.workers.size(), workers);
        EXPECT_EQ(broken_law(books), "");
        std::multiset<std::string> lines;
        for (auto line : bench.lines()) {
            line["tapmeter"].erase("worker");
            lines.insert(line.dump());
        }
        runs.push_back(std::move(lines));
    }
    EXPECT_GE(runs[0].size(), 300U);
    EXPECT_EQ(runs[0], runs[1]);
}

TEST(Appliance, live_traffic_balances_when_it_is_stopped_in_its_midst) {
    ApplianceBench bench({"gen:", "gen:"}, 2);
    ASSERT_TRUE(bench.build().has_value());
    ASSERT_TRUE(bench.appliance->start().has_value());
    bench.wait_for_packets(1'000);
    EXPECT_FALSE(bench.appliance->snapshot().settled);
    EXPECT_EQ(broken_law(bench.appliance->snapshot()), "") << "also while it runs";
    bench.appliance->request_stop();
    EXPECT_TRUE(bench.appliance->wait_for(0ms));
    bench.appliance->stop(10s);

    const metrics::Snapshot books = bench.appliance->snapshot();
    EXPECT_TRUE(books.settled);
    EXPECT_EQ(broken_law(books), "");
    ASSERT_EQ(books.interfaces.size(), 2U);
    EXPECT_GT(books.interfaces[0].counters.received.value, 0U);
    EXPECT_GT(books.interfaces[1].counters.received.value, 0U);
    EXPECT_EQ(packets_of(bench.lines()), bench.metered());
    bench.appliance->stop(10s);
    EXPECT_EQ(broken_law(bench.appliance->snapshot()), "") << "a second stop is no harm";
}

TEST(Appliance, recordings_and_live_interfaces_are_refused_together) {
    const TemporaryFile file(recording(1).file);
    ApplianceBench bench({"pcap:" + file.path().string(), "gen:"});
    const auto built = bench.build();
    ASSERT_FALSE(built.has_value());
    EXPECT_EQ(built.error().kind, Error::Kind::invalid_config);
    EXPECT_THAT(built.error().message, HasSubstr("run one tapmeter for each"));
}

TEST(Appliance, a_core_that_is_not_there_refuses_the_start) {
    ApplianceBench bench({"gen:"});
    bench.config.workers.cores = {5'000};
    ASSERT_TRUE(bench.build().has_value());
    const auto started = bench.appliance->start();
    ASSERT_FALSE(started.has_value());
    EXPECT_THAT(started.error().message, HasSubstr("workers.cores: core 5000"));
}

TEST(Appliance, a_flow_table_that_no_machine_can_hold_is_an_error_with_the_cure) {
    ApplianceBench bench({"gen:"});
    bench.config.flow.flows_max = std::size_t{1} << 50U;
    const auto built = bench.build();
    ASSERT_FALSE(built.has_value());
    EXPECT_EQ(built.error().kind, Error::Kind::no_memory);
    EXPECT_THAT(built.error().message, HasSubstr("lower flow.flows_max"));
}

TEST(Appliance, says_what_it_opened) {
    ApplianceBench bench({"gen:"}, 2);
    ASSERT_TRUE(bench.build().has_value());
    const auto lines = bench.appliance->describe();
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_THAT(lines[0], HasSubstr("interface p0: traffic generator"));
    EXPECT_THAT(lines[1], HasSubstr("2 workers, steered by software; flow table: "));
}

TEST(WorkersWanted, follows_count_then_queues_then_cores_then_the_machine) {
    Config config;
    config.captures.resize(2);
    EXPECT_EQ(workers_wanted(config), usable_cores().size());
    config.workers.cores = {0, 0, 0};
    EXPECT_EQ(workers_wanted(config), 3U);
    config.captures[1].queues = 5;
    EXPECT_EQ(workers_wanted(config), 5U);
    config.workers.count = 7;
    EXPECT_EQ(workers_wanted(config), 7U);
}

TEST(InterfacesOf, counts_observation_domains_up_where_none_is_given) {
    Config config;
    config.instance.observation_domain_id = 40;
    config.captures.resize(3);
    config.captures[0].name = "a";
    config.captures[1].name = "b";
    config.captures[1].observation_domain_id = 7;
    config.captures[2].name = "c";
    const auto interfaces = interfaces_of(config);
    ASSERT_EQ(interfaces.size(), 3U);
    EXPECT_EQ(interfaces[0].observation_domain_id, ObservationDomainId{40});
    EXPECT_EQ(interfaces[1].observation_domain_id, ObservationDomainId{7});
    EXPECT_EQ(interfaces[2].observation_domain_id, ObservationDomainId{42});
    EXPECT_EQ(interfaces[2].name, "c");
}

TEST(InterfacesOf, names_observation_domains) {
    Config config;
    config.instance.name = "pop1";
    config.captures.resize(6);
    const char* const names[] = {"a", "b", "c", "d", "e", "f"};
    for (std::size_t i = 0; i < config.captures.size(); ++i) {
        config.captures[i].name = names[i];
    }
    config.captures[1].observation_domain_id = 7;  // two ports of one tap
    config.captures[2].observation_domain_id = 7;
    config.captures[3].observation_domain_id = 8;  // and of another, which has a name
    config.captures[4].observation_domain_id = 8;
    config.captures[4].observation_domain_name = "east";
    config.captures[5].observation_domain_name = "west";
    config.captures[5].vrf_id = 3;
    config.captures[5].vrf_name = "blue";
    const auto interfaces = interfaces_of(config);
    const auto domain = [&](std::size_t i) { return interfaces[i].observation_domain_name; };
    EXPECT_EQ(domain(0), "pop1:a");
    EXPECT_EQ(domain(1), "pop1");
    EXPECT_EQ(domain(2), "pop1");
    EXPECT_EQ(domain(3), "east");
    EXPECT_EQ(domain(4), "east");
    EXPECT_EQ(domain(5), "west");
    EXPECT_EQ(interfaces[5].vrf_id, 3U);
    EXPECT_EQ(interfaces[5].vrf_name, "blue");
}

}  // namespace
}  // namespace tapmeter
