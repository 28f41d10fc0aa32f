#include "pipeline/flow/analytics.h"

#include <gtest/gtest.h>

#include "pipeline/flow/aggregate.h"
#include "tests/support/frames.h"

namespace tapmeter::flow {
namespace {

using namespace std::chrono_literals;
using testing::FrameBuilder;

constexpr FlowIndex first{0};
constexpr FlowIndex second{1};

// One TCP flow and its packets, all alike.
class OneFlow : public ::testing::Test {
protected:
    void make(const Analytics::Settings& settings) {
        Analytics::Settings with_places = settings;
        with_places.flow_places = 4;
        auto made = Analytics::make(with_places);
        ASSERT_TRUE(made.has_value());
        analytics = std::move(*made);
        flow.key.protocol = 6;
        analytics->look_at({&packet, 1});
    }
    Observation observation(std::uint8_t place = 0) {
        at += 1ms;
        return {.at = ObservedAt{at}, .octets = 60, .protocol = 6, .place = place};
    }
    void begin(FlowIndex index = first) {
        const Observation seen = observation();
        analytics->arrive(seen);
        at_place(index).key = flow.key;
        analytics->begin(at_place(index), index, seen);
    }
    Flow& at_place(FlowIndex index) { return places[number_of(index)].flow; }
    void see(std::uint8_t place = 0) {
        const Observation seen = observation(place);
        analytics->arrive(seen);
        analytics->see(first, flow, seen, false);
    }
    std::uint64_t skipped(SegmentSkipped why) const {
        return analytics->books().segments_skipped[static_cast<std::size_t>(why)];
    }
    std::uint64_t balance() const {
        std::uint64_t all = analytics->books().segments_seen;
        for (const std::uint64_t count : analytics->books().segments_skipped) {
            all += count;
        }
        return analytics->books().segments - all;
    }

    const testing::Frame frame =
        FrameBuilder{}.ethernet().ipv4({.protocol = 6}).tcp(1, 2).fill(20).frame();
    const Packet packet = testing::packet_of(frame);
    // As the table keeps them.
    struct Place {
        Flow flow;
        TcpQuality beside;
    };
    std::array<Place, 4> places{};
    Flow& flow = places[0].flow;
    Nanoseconds at{1s};
    std::unique_ptr<Analytics> analytics;
};

TEST_F(OneFlow, only_groups_that_are_on_report) {
    make({.tcp = true});
    begin();
    EXPECT_NE(analytics->reports(flow, first).tcp, nullptr);
    EXPECT_EQ(analytics->reports(flow, first).tunnel, nullptr);
    EXPECT_EQ(analytics->reports(flow, first).behaviour, nullptr);
    make({.behaviour = true});
    begin();
    EXPECT_EQ(analytics->reports(flow, first).tcp, nullptr);
    EXPECT_NE(analytics->reports(flow, first).behaviour, nullptr);
    EXPECT_EQ(analytics->books().segments, 0) << "counted by the group that looks at them";
}

TEST_F(OneFlow, other_protocols_and_aggregates_have_no_tcp) {
    make({.tcp = true});
    flow.key.protocol = 17;
    EXPECT_EQ(analytics->reports(flow, first).tcp, nullptr);
    flow.key.protocol = 6;
    flow.key.aggregate = 1;
    EXPECT_EQ(analytics->reports(flow, first).tcp, nullptr);
}

TEST_F(OneFlow, a_pause_makes_the_flows_of_its_time_incomplete) {
    make({.tcp = true, .behaviour = true});
    begin();
    analytics->shed(true);
    see();
    EXPECT_EQ(skipped(SegmentSkipped::shed), 1);
    begin(second);
    analytics->shed(false);
    see();
    EXPECT_FALSE(analytics->reports(flow, first).tcp->complete);
    EXPECT_FALSE(analytics->reports(flow, first).behaviour->complete);
    const Observation more = observation();
    analytics->arrive(more);
    analytics->see(second, at_place(second), more, false);
    EXPECT_FALSE(analytics->reports(at_place(second), second).tcp->complete)
        << "its first was passed by";
    FlowIndex third{2};
    begin(third);
    EXPECT_TRUE(analytics->reports(at_place(third), third).tcp->complete);
    EXPECT_TRUE(analytics->reports(at_place(third), third).behaviour->complete);
    EXPECT_EQ(balance(), 0);
}

TEST_F(OneFlow, told_twice_is_one_pause) {
    make({.tcp = true});
    analytics->shed(false);
    begin();
    analytics->shed(false);
    see();
    EXPECT_TRUE(analytics->reports(flow, first).tcp->complete);
}

TEST_F(OneFlow, shunted_segments_are_not_looked_at_and_the_report_says_so) {
    make({.tcp = true});
    begin();
    flow.state |= state::shunted;
    see();
    EXPECT_EQ(skipped(SegmentSkipped::shunted), 1);
    EXPECT_FALSE(analytics->reports(flow, first).tcp->complete);
    EXPECT_EQ(balance(), 0);
}

TEST_F(OneFlow, frames_that_are_gone_and_packets_without_a_flow_are_counted) {
    make({.tcp = true});
    begin();
    see(Observation::no_place);
    EXPECT_EQ(skipped(SegmentSkipped::not_here), 1);
    const Observation lost = observation();
    analytics->arrive(lost);
    analytics->pass(lost);
    EXPECT_EQ(skipped(SegmentSkipped::aggregated), 1);
    EXPECT_EQ(balance(), 0);
}

TEST_F(OneFlow, the_end_counts_how_the_connection_began) {
    make({.tcp = true});
    begin();
    analytics->end(flow, first);
    EXPECT_EQ(analytics->books().connections[0], 1);
    flow.key.protocol = 17;
    analytics->end(flow, first);
    EXPECT_EQ(analytics->books().connections[0], 1);
}

TEST(AnalyticsMemory, is_what_the_settings_say) {
    EXPECT_EQ(Analytics::octets_for({.flow_places = 100}), 0);
    EXPECT_EQ(Analytics::octets_for({.tcp = true, .flow_places = 3}), 3 * 320);
    EXPECT_EQ(Analytics::octets_for({.behaviour = true, .flow_places = 3}), 3 * 384);
    EXPECT_EQ(Analytics::octets_for({.tunnels = true, .tunnels_max = 2, .flow_places = 3}),
              3 * 4 + 2 * (128 + 4));
    EXPECT_FALSE(Analytics::Settings{}.any());
    EXPECT_EQ((Analytics::Settings{.tcp = true}.beside_flow_octets()), 320);
    EXPECT_EQ((Analytics::Settings{.behaviour = true}.beside_flow_octets()), 0);
    const auto refused = Analytics::make({.behaviour = true, .flow_places = std::size_t{1} << 50U});
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().message.find("flow.flows_max"), std::string::npos);
}

}  // namespace
}  // namespace tapmeter::flow
