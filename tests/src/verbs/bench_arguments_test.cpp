#include "src/verbs/bench_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace tapmeter::verbs {
namespace {

using namespace std::chrono_literals;
using Kind = bench::TrafficRequest::Kind;
using Words = std::vector<std::string>;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

BenchCommand command(Words words) {
    words.insert(words.begin(), "bench");
    const auto line = parse_command_line(words, false);
    EXPECT_TRUE(line) << line.error().error;
    const auto* found = line ? std::get_if<BenchCommand>(&line->verb) : nullptr;
    EXPECT_NE(found, nullptr);
    return found == nullptr ? BenchCommand{} : *found;
}

std::string refusal(Words words) {
    words.insert(words.begin(), "bench");
    const auto line = parse_command_line(words, false);
    EXPECT_FALSE(line) << "was accepted";
    return line ? std::string() : line.error().error;
}

LoadRequest request(const Words& words) {
    LoadRequest request;
    complete_request(command(words), request);
    return request;
}

TEST(BenchArguments, without_any_it_is_a_million_flows_of_64_octets) {
    const BenchCommand bench = command({});
    EXPECT_EQ(bench.kind, Kind::uniform);
    EXPECT_EQ(bench.flows, 1'000'000U);
    EXPECT_EQ(bench.sizes, std::vector<std::uint32_t>{64});
    EXPECT_EQ(bench.workers, 1U);
    EXPECT_EQ(bench.duration, 3s);
    EXPECT_TRUE(bench.stages);
    EXPECT_FALSE(bench.search);
}

TEST(BenchArguments, traffic_is_a_kind_or_a_file_that_exists) {
    EXPECT_EQ(command({"--traffic", "flood"}).kind, Kind::flood);
    EXPECT_EQ(command({"--traffic", "imix"}).flows, 100'000U);
    EXPECT_EQ(command({"--traffic", "/dev/null"}).kind, Kind::file);
    EXPECT_THAT(refusal({"--traffic", "/nowhere.pcap"}), HasSubstr("uniform, flood, imix"));
}

TEST(BenchArguments, flows_and_sizes_have_limits) {
    EXPECT_EQ(command({"--flows", "64k"}).flows, 64'000U);
    EXPECT_EQ(command({"--flows", "64Mi"}).flows, bench::flows_max);
    EXPECT_THAT(refusal({"--flows", "65Mi"}), HasSubstr("1 to 64Mi"));
    EXPECT_THAT(refusal({"--flows", "0"}), HasSubstr("1 to 64Mi"));
    EXPECT_EQ(command({"--sizes", "64,1518,imix"}).sizes,
              (std::vector<std::uint32_t>{64, 1'518, 0}));
    EXPECT_THAT(refusal({"--sizes", "63"}), HasSubstr("from 64 to 1518"));
    EXPECT_THAT(refusal({"--sizes", "1519"}), HasSubstr("from 64 to 1518"));
    EXPECT_THAT(refusal({"--duration", "0s"}), HasSubstr("duration"));
    EXPECT_THAT(refusal({"--cores", "2-1"}), HasSubstr("must be"));
}

TEST(BenchArguments, a_search_is_paced_and_a_port_is_not) {
    const BenchCommand search =
        command({"--search", "zero-loss", "--trial", "30s", "--rx-ring", "64"});
    EXPECT_TRUE(search.search);
    EXPECT_EQ(search.trial, 30s);
    EXPECT_EQ(search.ring_slots, 64U);
    EXPECT_THAT(refusal({"--rx-ring", "63"}), HasSubstr("64 to 32768"));
    EXPECT_THAT(refusal({"--search", "fast"}), HasSubstr("zero-loss"));
    EXPECT_THAT(refusal({"--search", "zero-loss", "-i", "eth1"}), HasSubstr("--external"));
    EXPECT_THAT(refusal({"--external"}), HasSubstr("-i SOURCE"));
    EXPECT_TRUE(command({"--external", "-i", "eth1"}).external);
}

TEST(BenchArguments, loss_is_a_share_of_the_packets) {
    EXPECT_FALSE(command({}).max_loss_given);
    EXPECT_DOUBLE_EQ(command({"--max-loss", "0.5%"}).max_loss, 0.005);
    EXPECT_DOUBLE_EQ(command({"--max-loss", "0.01"}).max_loss, 0.01);
    EXPECT_TRUE(command({"--max-loss", "0"}).max_loss_given);
    EXPECT_THAT(refusal({"--max-loss", "2"}), HasSubstr("share"));
    EXPECT_THAT(refusal({"--max-loss", "1x"}), HasSubstr("share"));
}

TEST(BenchArguments, the_configuration_follows) {
    const LoadRequest plain = request({"--flows", "8M", "--workers", "2", "--cores", "0-1"});
    EXPECT_THAT(plain.presets, Contains("flow.flows_max=8000000"));
    EXPECT_THAT(plain.presets, Contains("overload.sample_flows_max=1"))
        << "every packet is metered";
    EXPECT_THAT(plain.presets, Contains("overload.aggregate=off"));
    EXPECT_THAT(request({"--traffic", "flood"}).presets,
                Not(Contains("overload.sample_flows_max=1")));
    EXPECT_THAT(plain.sets, Contains("workers.count=2"));
    EXPECT_THAT(plain.sets, Contains("workers.cores=0-1"));
    EXPECT_THAT(request({"--flows", "10"}).presets, Contains("flow.flows_max=1024"));
    EXPECT_THAT(request({"--traffic", "imix"}).presets, Contains("flow.flows_max=1000000"));
    const LoadRequest live = request({"-i", "eth1"});
    EXPECT_EQ(live.sources, Words{"eth1"});
    EXPECT_TRUE(live.sets.empty()) << "as many workers as the port has queues";
}

}  // namespace
}  // namespace tapmeter::verbs
