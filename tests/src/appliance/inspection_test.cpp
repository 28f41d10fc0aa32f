#include "src/appliance/inspection.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/src/appliance/appliance_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using capture_files::testing::TemporaryFile;
using testing::ApplianceBench;

TEST(Inspection, recordings_wait_and_live_packets_have_a_budget) {
    Config config;
    config.dpi.budget = 40;
    EXPECT_EQ(inspection_settings(config, true).budget.share_percent, 100U);
    EXPECT_EQ(inspection_settings(config, false).budget.share_percent, 40U);
    EXPECT_GT(inspection_settings(config, false).budget.kept_cycles, 0U);
    EXPECT_TRUE(inspection_settings(config, false).populate);
    EXPECT_FALSE(dissector_settings(config, true).populate);
}

TEST(Inspection, no_more_states_than_flows) {
    Config config;
    config.flow.flows_max = 2'048;
    EXPECT_EQ(inspection_settings(config, true).states_max, 2'048U);
    config.dpi.states_max = 100;
    EXPECT_EQ(inspection_settings(config, true).states_max, 100U);
    EXPECT_EQ(dissector_settings(config, true).states_max, 100U);
}

TEST(Inspection, memory_is_known_beforehand) {
    Config config;
    const std::uint64_t one = inspection_octets(config, 1);
    EXPECT_GT(one, 65'536U * 768);
    constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
    const std::uint64_t of_states = 65'536U * (1'228 + 160);
    EXPECT_LT(one, of_states + 65'536U * 800 + 1'024U * 16'384 + 41 * mebibyte);
    EXPECT_EQ(inspection_octets(config, 3), 3 * one);
    config.dpi.enabled = false;
    EXPECT_EQ(inspection_octets(config, 1), 0U);
}

// The recording is played while it is read: rules change under way, and no packet is lost.
TEST(Inspection, rules_are_read_again_under_traffic) {
    const auto recording = testing::recording(3'000);
    const TemporaryFile file(recording.file);
    const std::string rules = ::testing::TempDir() + "inspection_rules";
    std::ofstream(rules) << "tcp:7999@Shop\n";
    ApplianceBench bench({"pcap:" + file.path().string()});
    bench.config.dpi.protocols_file = rules;
    bench.read_config_again = [&]() -> Result<Appliance::NewConfig> {
        return Appliance::NewConfig{.config = bench.config, .json = "{}", .needs_restart = {}};
    };
    ASSERT_TRUE(bench.build());
    ASSERT_TRUE(bench.appliance->start());
    const auto answer = bench.appliance->reload();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(answer->starts_with("dpi: rules read again")) << *answer;

    std::ofstream(rules) << "tcp:7999@Shop\nnonsense\n";
    const auto refused = bench.appliance->reload();
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().message.starts_with(rules + ":2: ")) << refused.error().message;
    EXPECT_EQ(bench.appliance->reloads(false), 1U);

    bench.wait_for_packets(recording.packets);
    bench.appliance->stop(10s);
    const auto books = bench.appliance->snapshot();
    EXPECT_EQ(books.workers.front().books.metered.packets, recording.packets);
    EXPECT_TRUE(metrics::balanced(metrics::laws(books)));
    EXPECT_EQ(books.workers.front().books.inspection.undecided, 0U);
}

TEST(Inspection, rules_that_cannot_be_read_refuse_the_start) {
    const auto recording = testing::recording(1);
    const TemporaryFile file(recording.file);
    ApplianceBench bench({"pcap:" + file.path().string()});
    bench.config.dpi.categories_file = "/nowhere/categories";
    const auto built = bench.build();
    ASSERT_FALSE(built);
    EXPECT_TRUE(built.error().message.starts_with("/nowhere/categories: "));
}

TEST(Inspection, applications_are_in_the_snapshot) {
    const auto recording = testing::recording(20);
    const TemporaryFile file(recording.file);
    ApplianceBench bench({"pcap:" + file.path().string()});
    ASSERT_TRUE(bench.build());
    ASSERT_TRUE(bench.appliance->start());
    bench.wait_for_packets(recording.packets);
    bench.appliance->stop(10s);
    std::uint64_t packets = 0;
    for (const auto& total : bench.appliance->snapshot().applications) {
        EXPECT_FALSE(total.name.empty());
        packets += total.packets;
    }
    EXPECT_EQ(packets, recording.packets);
}

}  // namespace
}  // namespace tapmeter
