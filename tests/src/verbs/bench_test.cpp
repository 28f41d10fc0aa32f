// The verb that measures, in this process, on traffic small enough for a test.
#include "src/verbs/bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "src/verbs/bench_arguments.h"
#include "src/verbs/bench_live.h"
#include "src/verbs/bench_search.h"
#include "src/verbs/bench_trial.h"
#include "tests/src/verbs/said.h"

namespace tapmeter::verbs {
namespace {

using namespace std::chrono_literals;
using Kind = bench::TrafficRequest::Kind;
using ::testing::HasSubstr;
using testing::Said;
using testing::said_by;

BenchCommand small(Kind kind) {
    BenchCommand command;
    command.kind = kind;
    command.flows = 1'000;
    command.packets_min = 20'000;
    command.duration = 50ms;
    command.trial = 50ms;
    return command;
}

Said measured(const BenchCommand& command, OutputFormat format = OutputFormat::text,
              std::vector<std::string> sets = {}) {
    LoadRequest request;
    request.sets = std::move(sets);
    complete_request(command, request);
    CommonOptions common;
    common.output = format;
    return said_by([&] { return measure(command, common, request); });
}

TEST(Bench, says_what_a_core_does_where_the_time_goes_and_on_which_machine) {
    BenchCommand command = small(Kind::uniform);
    command.sizes = {64, 0};
    const Said said = measured(command);
    EXPECT_EQ(said.code, ExitCode::done) << said.out;
    EXPECT_THAT(said.out, HasSubstr("uniform, 64 B, 1 k flows, in memory; no NIC was involved"));
    EXPECT_THAT(said.out, HasSubstr("uniform, IMIX, 1 k flows"));
    EXPECT_THAT(said.out, HasSubstr("record update"));
    EXPECT_THAT(said.out, HasSubstr("the books balance"));
    EXPECT_THAT(said.out, HasSubstr("machine: "));
}

TEST(Bench, every_traffic_balances) {
    for (const Kind kind : {Kind::flood, Kind::imix}) {
        BenchCommand command = small(kind);
        command.stages = false;
        const Said said = measured(command, OutputFormat::text, {"flow.tcp_end_timeout=0s"});
        EXPECT_EQ(said.code, ExitCode::done) << said.out;
        EXPECT_THAT(said.out, HasSubstr(" 0 undecoded"));
        EXPECT_THAT(said.out, Not(HasSubstr(" 0 metered")));
    }
}

TEST(Bench, two_workers_are_compared_with_one) {
    BenchCommand command = small(Kind::uniform);
    command.workers = 2;
    command.stages = false;
    const Said said = measured(command, OutputFormat::json);
    EXPECT_EQ(said.code, ExitCode::done);
    const auto json = nlohmann::json::parse(said.out);
    ASSERT_EQ(json["benchmarks"].size(), 3U);
    EXPECT_EQ(json["benchmarks"][1]["name"], "uniform/flows:1000/size:64/workers:2/worker:1");
    EXPECT_GT(json["benchmarks"][0]["scaling_by_cpu"].get<double>(), 0);
    EXPECT_TRUE(json["benchmarks"][0]["books_balance"].get<bool>());
    EXPECT_GT(json["benchmarks"][1]["iterations"].get<std::uint64_t>(), 0U);
}

TEST(Bench, a_file_that_cannot_be_read_ends_it_with_a_reason) {
    const Said said = measured(small(Kind::file));
    EXPECT_EQ(said.code, ExitCode::failed);
    EXPECT_FALSE(said.err.empty()) << "no file was named";
}

// A rate that no worker keeps up with is lost by name; one far below is not, in a ring so large.
TEST(BenchTrial, loses_packets_only_at_rates_that_are_too_high) {
    Config config;
    config.flow.flows_max = 1'024;
    const std::atomic<bool> stop{false};
    auto trial = MemoryTrial::make({.config = config,
                                    .traffic = {.flows = 1'000, .file = {}, .packets_min = 20'000},
                                    .ring_slots = bench::ReceiveRing::slots_max},
                                   stop);
    ASSERT_TRUE(trial) << trial.error().message;
    ASSERT_TRUE((*trial)->warm_up());
    const auto slow = (*trial)->pace(1'000, 100ms);
    EXPECT_EQ(slow.dropped, 0U);
    EXPECT_GE(slow.offered, 90U);
    const auto flooded = (*trial)->pace(2'000'000'000, 50ms);
    EXPECT_GT(flooded.dropped, 0U);
    EXPECT_GT(flooded.offered, flooded.dropped);
    const metrics::Snapshot books = (*trial)->finish();
    EXPECT_TRUE(metrics::balanced(metrics::laws(books)));
    EXPECT_EQ(books.interfaces.front().counters.dropped[index_of(Dropped::rx_missed)],
              flooded.dropped + slow.dropped);
}

TEST(BenchSearch, ends_at_a_rate_between_nothing_and_all) {
    BenchCommand command = small(Kind::uniform);
    command.search = true;
    command.max_loss = 1;  // every trial passes, so the first is the last
    Config config;
    config.flow.flows_max = 1'024;
    const std::atomic<bool> stop{false};
    const MemoryTrial::Request request{
        .config = config, .traffic = {.flows = 1'000, .file = {}, .packets_min = 20'000}};
    const auto all = search_zero_loss(request, command, stop);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->trials.size(), 1U);
    EXPECT_GT(all->packets_per_second, 0);
    EXPECT_TRUE(all->balanced);

    const std::atomic<bool> stopped{true};
    const auto none = search_zero_loss(request, command, stopped);
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->trials.empty()) << "told to stop before the first trial";
}

TEST(BenchLive, measures_what_a_capture_gives) {
    BenchCommand command = small(Kind::uniform);
    command.trial = 300ms;
    Config config;
    config.flow.flows_max = 1'024;
    config.workers.count = 1;
    Config::Capture capture;
    capture.name = "made";
    capture.source = "gen:";
    config.captures = {capture};
    const std::atomic<bool> stop{false};
    const auto live = measure_live(config, command, stop);
    ASSERT_TRUE(live) << live.error().message;
    const bench::LiveCounts counts = bench::counts_of(*live);
    EXPECT_GT(counts.received, 1'000U) << "10,000 packets a second for 0.3 s";
    EXPECT_EQ(counts.lost, 0U);
    EXPECT_TRUE(live->balanced);

    config.captures.front().source = "xdp:no-such-port";
    EXPECT_FALSE(measure_live(config, command, stop));
}

TEST(BenchLive, prints_what_to_type_on_the_other_machine) {
    BenchCommand command;
    command.sizes = {64, 1'518, 0};
    const std::string lines = generator_lines(command);
    EXPECT_THAT(lines, HasSubstr("pkt_size 60"));
    EXPECT_THAT(lines, HasSubstr("src_max 10.15.66.63")) << "a million addresses";
    EXPECT_THAT(lines, HasSubstr("--txpkts=1514"));
    EXPECT_THAT(lines, HasSubstr("IMIX"));
    EXPECT_THAT(lines, HasSubstr("scripts/pktgen/README.md"));
}

}  // namespace
}  // namespace tapmeter::verbs
