#include "src/appliance/filters.h"

#include <gmock/gmock.h>

#include "tests/src/appliance/appliance_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using capture_files::testing::TemporaryFile;
using testing::ApplianceBench;
using testing::broken_law;

TEST(Filters, there_are_none_without_an_expression) {
    Config config;
    config.captures.resize(2);
    const auto made = make_filters(config);
    ASSERT_TRUE(made);
    EXPECT_EQ(*made, nullptr);
}

TEST(Filters, a_wrong_one_names_its_capture) {
    Config config;
    config.captures.resize(2);
    config.captures[1].name = "tap1";
    config.captures[1].filter_raw = "udp prot 53";
    const auto made = make_filters(config);
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().message, ::testing::HasSubstr("tap1: the filter \"udp prot 53\""));
}

// Each capture has its own; what it refuses is ignored by name, and the books balance.
TEST(Filters, count_what_they_refuse) {
    const testing::Recording recording = testing::recording(200);
    const TemporaryFile first(recording.file);
    const TemporaryFile second(recording.file);
    for (const std::uint32_t workers : {1U, 3U}) {
        ApplianceBench bench({"pcap:" + first.path().string(), "pcap:" + second.path().string()},
                             workers);
        bench.config.captures[0].filter = "not ip and not ip6";
        ASSERT_TRUE(bench.build());
        ASSERT_TRUE(bench.appliance->start());
        while (!bench.appliance->wait_for(100ms)) {
        }
        bench.appliance->stop(10s);
        const auto snapshot = bench.appliance->snapshot();
        EXPECT_EQ(broken_law(snapshot), "");
        Traffic refused;
        Traffic metered;
        for (const auto& worker : snapshot.workers) {
            refused += worker.books.ignored[index_of(LeftOut::filter)];
            metered += worker.books.metered;
        }
        EXPECT_EQ(refused.packets, recording.packets);
        EXPECT_EQ(refused.layer2_octets, recording.octets);
        EXPECT_EQ(metered.packets, recording.packets);
        EXPECT_EQ(testing::packets_of(bench.lines()), recording.packets);
    }
}

}  // namespace
}  // namespace tapmeter
