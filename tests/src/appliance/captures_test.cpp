#include "src/appliance/captures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/src/appliance/appliance_bench.h"

namespace tapmeter {
namespace {

using capture_files::testing::TemporaryFile;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Config of(const std::vector<std::string>& sources) {
    Config config;
    for (const std::string& source : sources) {
        Config::Capture& capture = config.captures.emplace_back();
        capture.name = "p" + std::to_string(config.captures.size() - 1);
        capture.source = source;
    }
    return config;
}

TemporaryFile text_file(const std::string& text) {
    const auto octets = std::as_bytes(std::span{text});
    return TemporaryFile({octets.begin(), octets.end()});
}

TEST(OpenCaptures, numbers_the_observation_points_in_the_order_of_the_configuration) {
    const LiveClock clock;
    const auto input = testing::recording(3);
    const TemporaryFile first(input.file);
    const TemporaryFile second(input.file);
    auto captures = open_captures(
        of({"pcap:" + first.path().string(), "pcap:" + second.path().string()}), 1, clock);
    ASSERT_TRUE(captures.has_value()) << captures.error().message;
    ASSERT_EQ(captures->points.size(), 2U);
    EXPECT_EQ(captures->prefiltered, (std::vector<xdp::XdpCapture*>{nullptr, nullptr}));
    EXPECT_FALSE(captures->same_symmetric_hash) << "two files: packets of a flow may be in both";
    EXPECT_EQ(captures->eal, nullptr);
    for (std::uint16_t index = 0; index < 2; ++index) {
        Burst burst;
        captures->points[index]->queue(0).receive(burst);
        ASSERT_GT(burst.count, 0U);
        EXPECT_EQ(burst.packets[0].observation_point, index);
        captures->points[index]->queue(0).release();
    }
}

TEST(OpenCaptures, one_generator_is_live_and_needs_no_steering) {
    const LiveClock clock;
    const auto captures = open_captures(of({"gen:"}), 1, clock);
    ASSERT_TRUE(captures.has_value());
    EXPECT_TRUE(captures->same_symmetric_hash);
    EXPECT_FALSE(captures->points.front()->recorded());
}

TEST(OpenCaptures, errors_begin_with_the_name_of_the_capture) {
    const LiveClock clock;
    const auto missing = open_captures(of({"gen:", "pcap:/nonexistent/x.pcap"}), 1, clock);
    ASSERT_FALSE(missing.has_value());
    EXPECT_THAT(missing.error().message, StartsWith("capture \"p1\": "));
    EXPECT_THAT(missing.error().message, HasSubstr("/nonexistent/x.pcap"));
    for (const char* source : {"nosuchport0", "xdp:nosuchport0"}) {
        const auto unknown = open_captures(of({source}), 1, clock);
        ASSERT_FALSE(unknown.has_value());
        EXPECT_THAT(unknown.error().message, StartsWith("capture \"p0\": "));
        EXPECT_THAT(unknown.error().message, HasSubstr("nosuchport0"));
    }
}

TEST(PrefilterRules, come_from_the_list_and_from_files) {
    const TemporaryFile file = text_file("# ours\n192.0.2.0/24\n2001:db8::/32\n");
    Config::Prefilter prefilter;
    prefilter.exclude = {"10.0.0.0/8"};
    prefilter.exclude_files = {file.path()};
    prefilter.deny_ports = {443};
    prefilter.sample = 10;
    const auto rules = prefilter_rules(prefilter);
    ASSERT_TRUE(rules.has_value()) << rules.error().message;
    EXPECT_EQ(rules->excluded.size(), 3U);
    EXPECT_EQ(rules->denied_ports, std::vector<std::uint16_t>{443});
    EXPECT_EQ(rules->sample, 10U);
}

TEST(PrefilterRules, name_what_they_cannot_read_and_where) {
    Config::Prefilter prefilter;
    prefilter.exclude = {"10.0.0.0/33"};
    auto rules = prefilter_rules(prefilter);
    ASSERT_FALSE(rules.has_value());
    EXPECT_EQ(rules.error().kind, Error::Kind::invalid_config);
    EXPECT_THAT(rules.error().message, HasSubstr("10.0.0.0/33"));

    const TemporaryFile file = text_file("192.0.2.0/24\n  nonsense\n");
    prefilter.exclude = {};
    prefilter.exclude_files = {file.path()};
    rules = prefilter_rules(prefilter);
    ASSERT_FALSE(rules.has_value());
    EXPECT_THAT(rules.error().message, HasSubstr(file.path().string() + ":2:3"));
}

}  // namespace
}  // namespace tapmeter
