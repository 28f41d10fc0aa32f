#include "pipeline/flow/behaviour.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "tests/support/frames.h"

namespace tapmeter::flow {
namespace {

using namespace std::chrono_literals;
using testing::FrameBuilder;

Observation packet(Nanoseconds at, std::uint32_t octets, Sender sender = Sender::low,
                   std::uint8_t ttl = 64) {
    return {.at = ObservedAt{at}, .octets = octets, .sender = sender, .time_to_live = ttl};
}

std::uint32_t sum(const Histogram& histogram) {
    return std::accumulate(histogram.begin(), histogram.end(), 0U);
}

class Behaviour : public ::testing::Test {
protected:
    void open(Nanoseconds at) { begin(state, packet(at, 0), nullptr); }
    BehaviourReport state;
};

TEST_F(Behaviour, both_sides_of_every_bound_of_sizes) {
    open(1s);
    for (std::size_t bin = 0; bin < size_bounds.size(); ++bin) {
        add(state, packet(1s, size_bounds[bin]));
        EXPECT_EQ(state.directions[0].sizes[bin], bin == 0 ? 1 : 2);
        add(state, packet(1s, size_bounds[bin] + 1));
        EXPECT_EQ(state.directions[0].sizes[bin + 1], 1);
    }
    EXPECT_EQ(sum(state.directions[0].sizes), 2 * size_bounds.size());
}

TEST_F(Behaviour, both_sides_of_every_bound_of_gaps) {
    for (std::size_t bin = 0; bin < gap_bounds_us.size(); ++bin) {
        const Nanoseconds bound = std::chrono::microseconds(gap_bounds_us[bin]);
        open(1s);
        add(state, packet(1s, 100));
        add(state, packet(1s + bound, 100));
        EXPECT_EQ(state.directions[0].gaps[bin], 1) << bin;
        add(state, packet(1s + bound + bound + 1us, 100));
        EXPECT_EQ(state.directions[0].gaps[bin + 1], 1) << bin;
    }
}

TEST_F(Behaviour, the_first_packet_that_way_has_no_gap) {
    open(1s);
    add(state, packet(1s, 100));
    add(state, packet(2s, 100, Sender::high));
    EXPECT_EQ(sum(state.directions[0].gaps), 0);
    EXPECT_EQ(sum(state.directions[1].gaps), 0);
}

TEST_F(Behaviour, time_that_runs_backwards_is_no_gap_at_all) {
    open(5s);
    add(state, packet(5s, 100));
    add(state, packet(4s, 100));
    EXPECT_EQ(state.directions[0].gaps[0], 1);
    EXPECT_EQ(state.first_times_us[1], 0);
}

TEST_F(Behaviour, smallest_and_largest_ttl_of_each_way) {
    open(1s);
    for (const std::uint8_t ttl : std::array<std::uint8_t, 3>{61, 64, 60}) {
        add(state, packet(1s, 100, Sender::high, ttl));
    }
    EXPECT_EQ(state.directions[1].ttl_min, 60);
    EXPECT_EQ(state.directions[1].ttl_max, 64);
    EXPECT_EQ(state.directions[0].ttl_max, 0);
    EXPECT_EQ(sum(state.directions[1].ttls), 3);
}

TEST_F(Behaviour, sixteen_packets_are_first_and_the_seventeenth_is_not) {
    open(1s);
    for (std::uint32_t i = 0; i < first_packets_max + 1; ++i) {
        add(state, packet(1s + i * 1ms, 100 + i, i % 2 == 0 ? Sender::low : Sender::high));
    }
    EXPECT_EQ(state.first_packets, first_packets_max);
    EXPECT_EQ(state.first_octets[15], 115);
    EXPECT_EQ(state.first_times_us[15], 15'000);
    EXPECT_EQ(state.first_reverse, 0b1010'1010'1010'1010);
    // Seen from the other end, the other half went the other way.
    EXPECT_EQ(report_of(state, Sender::high).first_reverse, 0b0101'0101'0101'0101);
}

TEST_F(Behaviour, directions_that_are_not_used_are_not_turned) {
    open(1s);
    add(state, packet(1s, 100));
    EXPECT_EQ(report_of(state, Sender::low).first_reverse, 0);
    EXPECT_EQ(report_of(state, Sender::high).first_reverse, 1);
    EXPECT_EQ(sum(report_of(state, Sender::high).directions[1].sizes), 1);
}

TEST_F(Behaviour, the_busiest_second_of_the_clock) {
    open(1s);
    add(state, packet(1'900ms, 500));
    add(state, packet(2'000ms, 300));
    add(state, packet(2'999ms, 300, Sender::high));
    add(state, packet(3'000ms, 100));
    EXPECT_EQ(state.peak_octets, 600);
    EXPECT_EQ(state.peak_packets, 2);
}

TEST_F(Behaviour, a_cut_clears_counts_and_keeps_what_began_the_flow) {
    open(1s);
    add(state, packet(1s, 100));
    clear_counts(state);
    EXPECT_EQ(sum(state.directions[0].sizes), 0);
    EXPECT_EQ(state.peak_packets, 0);
    EXPECT_EQ(state.first_packets, 1);
    add(state, packet(1'050ms, 100));
    EXPECT_EQ(state.directions[0].gaps[4], 1) << "the gap across the cut is one";
}

TEST_F(Behaviour, addresses_and_the_flow_label_of_the_first_frame) {
    const auto frame = FrameBuilder{}.ethernet(0x86dd).vlan(5).ipv6({}).udp(1, 2).frame();
    auto labelled = frame;
    labelled[18] = std::byte{0x6a};  // traffic class 0xab, flow label 0xcdef1
    labelled[19] = std::byte{0xbc};
    labelled[20] = std::byte{0xde};
    labelled[21] = std::byte{0xf1};
    labelled[0] = std::byte{0x04};
    const Packet view = testing::packet_of(labelled);
    begin(state, packet(1s, 48), &view);
    EXPECT_TRUE(state.has_mac);
    EXPECT_EQ(state.destination_mac, (MacAddress{4, 2, 2, 2, 2, 2}));
    EXPECT_EQ(state.source_mac, (MacAddress{2, 2, 2, 2, 2, 2}));
    EXPECT_EQ(state.flow_label, 0xcdef1);
}

TEST_F(Behaviour, a_frame_that_is_cut_tells_what_it_has) {
    const auto whole = FrameBuilder{}.ethernet(0x86dd).ipv6({}).udp(1, 2).frame();
    for (std::size_t octets = 0; octets < whole.size(); ++octets) {
        const testing::Frame cut(whole.begin(),
                                 whole.begin() + static_cast<std::ptrdiff_t>(octets));
        const Packet view = testing::packet_of(cut, LinkType::ethernet, whole.size());
        begin(state, packet(1s, 48), &view);
        EXPECT_EQ(state.has_mac, octets >= 14) << octets;
    }
}

}  // namespace
}  // namespace tapmeter::flow
