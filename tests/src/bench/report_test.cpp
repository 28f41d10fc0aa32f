#include "src/bench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "src/bench/outcome.h"
#include "src/bench/report_json.h"

namespace tapmeter::bench {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// 10 million packets of 60 octets: 100 ns each by CPU, 200 ns by wall.
WorkerOutcome one_worker() {
    return {.measured =
                {.cpu = 1s, .wall = 2s, .cycles = 1, .packets = 10'000'000, .octets = 600'000'000},
            .flows_created = 4'000'000,
            .records = 2'000'000,
            .refused = 3,
            .core = 7};
}

Outcome outcome() {
    Outcome outcome;
    outcome.workers = {one_worker()};
    outcome.stages = {{"receive", 10}, {"decode", 30}};
    outcome.table = "1 worker; flow table: 190 MiB";
    outcome.balanced = true;
    return outcome;
}

Machine machine() {
    Machine machine;
    machine.cpu = "A CPU";
    machine.tsc_gigahertz = 2.5;
    machine.build = "release";
    machine.governor = "performance";
    return machine;
}

TEST(Outcome, rates_are_those_of_the_interval) {
    const Interval measured = one_worker().measured;
    EXPECT_DOUBLE_EQ(cpu_ns_per_packet(measured), 100);
    EXPECT_DOUBLE_EQ(wall_ns_per_packet(measured), 200);
    EXPECT_DOUBLE_EQ(millions_per_second(100), 10);
    // 84 octets a packet on the wire: preamble, FCS and gap are 24.
    EXPECT_DOUBLE_EQ(wire_gigabits_per_second(measured), 5e6 * 84 * 8 / 1e9);
    EXPECT_DOUBLE_EQ(per_second(4'000'000, measured), 2e6);
    EXPECT_DOUBLE_EQ(cpu_ns_per_packet({}), 0);
    EXPECT_DOUBLE_EQ(wire_gigabits_per_second({}), 0);
}

TEST(Outcome, names_are_stable) {
    EXPECT_EQ(traffic_name({}), "uniform/flows:1000000/size:64");
    EXPECT_EQ(traffic_name({.kind = TrafficRequest::Kind::flood, .frame_size = 0, .file = {}}),
              "flood/table:1000000/size:imix");
    EXPECT_EQ(traffic_name({.kind = TrafficRequest::Kind::imix, .flows = 5, .file = {}}),
              "imix/flows:5");
    EXPECT_EQ(traffic_name({.kind = TrafficRequest::Kind::file, .file = "/a/b.pcap"}),
              "file:b.pcap");
    EXPECT_EQ(traffic_text({}), "uniform, 64 B, 1 M flows");
}

TEST(Outcome, two_workers_are_compared_with_one_alone) {
    Outcome two = outcome();
    two.alone = one_worker();
    WorkerOutcome slower = one_worker();
    slower.measured.cpu = 2s;
    two.workers.push_back(slower);
    EXPECT_DOUBLE_EQ(scaling_of(two).by_cpu, 1.5);
    EXPECT_DOUBLE_EQ(scaling_of(two).by_wall, 2);
    EXPECT_THAT(outcome_as_text(two, machine()), HasSubstr("2 workers do 1.50 times"));
}

TEST(Report, the_first_line_says_it_all) {
    const std::string text = outcome_as_text(outcome(), machine());
    EXPECT_THAT(text, ::testing::StartsWith("this machine: 10.00 Mpps per core (100.0 ns a packet)"
                                            ": uniform, 64 B, 1 M flows, in memory; no NIC was "
                                            "involved\n"));
    EXPECT_THAT(text, HasSubstr("receive 10.0 | decode 30.0 | in all 40.0"));
    EXPECT_THAT(text, HasSubstr("the books balance"));
}

TEST(Report, names_the_law_that_does_not_hold) {
    Outcome wrong = outcome();
    wrong.balanced = false;
    wrong.books.settled = true;
    wrong.books.workers.emplace_back();
    wrong.books.workers.back().books.received_packets = 5;
    const std::string text = outcome_as_text(wrong, machine());
    EXPECT_THAT(text, HasSubstr("THE BOOKS DO NOT BALANCE"));
    EXPECT_THAT(text, HasSubstr("5 against 0"));
}

TEST(Report, stopped_early_it_says_so) {
    EXPECT_THAT(outcome_as_text({}, machine()), HasSubstr("stopped before"));
}

TEST(Report, a_search_shows_its_trials) {
    SearchOutcome search;
    search.packets_per_second = 3e6;
    search.trials = {{.packets_per_second = 6e6, .offered = 100, .dropped = 9},
                     {.packets_per_second = 3e6, .offered = 50, .passed = true}};
    search.balanced = true;
    const std::string text = search_as_text(search);
    EXPECT_THAT(text, HasSubstr("3.00 Mpps without loss (RFC 2544"));
    EXPECT_THAT(text, HasSubstr("failed"));
    EXPECT_THAT(text, HasSubstr("passed"));
}

LiveOutcome live() {
    LiveOutcome live;
    live.described = {"interface p0: AF_XDP"};
    live.measured = 1s;
    live.balanced = true;
    live.before.interfaces.resize(1);
    live.after.interfaces.resize(1);
    auto& counters = live.after.interfaces[0].counters;
    counters.offered = {1'000};
    counters.received = {900};
    counters.received_octets = {54'000};
    counters.dropped[index_of(Dropped::rx_missed)] = 100;
    return live;
}

TEST(Report, a_port_shows_what_was_lost_under_which_name) {
    const std::string text = live_as_text(live(), machine());
    EXPECT_THAT(text, HasSubstr("offered 1000, received 900, lost 100 (10.000000 %)"));
    EXPECT_THAT(text, HasSubstr("rx_missed 100"));
}

TEST(Report, tells_the_machine) {
    const std::string text = machine_as_text(machine());
    EXPECT_THAT(text, HasSubstr("A CPU"));
    EXPECT_THAT(text, HasSubstr("2.500 GHz"));
    EXPECT_THAT(text, HasSubstr("isolated cores: none"));
}

// What tools/compare.py and gbench/report.py of Google Benchmark ask of each entry.
TEST(ReportJson, has_the_layout_of_google_benchmark) {
    SearchOutcome search;
    search.packets_per_second = 2e6;
    const auto json = nlohmann::json::parse(results_as_json(
        {.outcomes = {outcome()}, .searches = {search}, .live = {live()}}, machine()));
    EXPECT_EQ(json["context"]["library_build_type"], "release");
    EXPECT_EQ(json["context"]["cpu_scaling_enabled"], false);
    EXPECT_EQ(json["context"]["mhz_per_cpu"], 2'500);
    ASSERT_EQ(json["benchmarks"].size(), 5U) << "a worker, two stages, a search, a port";
    for (const auto& entry : json["benchmarks"]) {
        EXPECT_TRUE(entry["name"].is_string());
        EXPECT_EQ(entry["run_type"], "iteration");
        EXPECT_EQ(entry["time_unit"], "ns");
        EXPECT_TRUE(entry["real_time"].is_number());
        EXPECT_TRUE(entry["cpu_time"].is_number());
        EXPECT_TRUE(entry["iterations"].is_number_unsigned());
        EXPECT_TRUE(entry.contains("family_index"));
    }
    const auto& worker = json["benchmarks"][0];
    EXPECT_EQ(worker["name"], "uniform/flows:1000000/size:64/workers:1/worker:0");
    EXPECT_EQ(worker["iterations"], 10'000'000);
    EXPECT_DOUBLE_EQ(worker["cpu_time"].get<double>(), 100);
    EXPECT_DOUBLE_EQ(worker["real_time"].get<double>(), 200);
    EXPECT_DOUBLE_EQ(worker["items_per_second"].get<double>(), 1e7);
    EXPECT_DOUBLE_EQ(worker["cycles_per_packet"].get<double>(), 250);
    EXPECT_EQ(worker["records_refused"], 3);
    EXPECT_DOUBLE_EQ(json["benchmarks"][3]["real_time"].get<double>(), 500);
    EXPECT_EQ(json["benchmarks"][4]["dropped"]["rx_missed"], 100);
}

}  // namespace
}  // namespace tapmeter::bench
