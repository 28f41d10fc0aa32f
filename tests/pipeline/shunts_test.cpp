#include "pipeline/shunts.h"

#include <gtest/gtest.h>

#include "tests/support/shunted_metering.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using flow::FlowEndReason;
using flow::Observation;
using flow::Sender;
using testing::ack;
using testing::began;
using testing::packet_at;
using testing::push;
using testing::rst;
using testing::ShuntBench;
using testing::syn;
using testing::tcp_key;
using Bench = testing::ShuntedMetering;

// One flow, step by step.
class OneFlow : public ::testing::Test {
protected:
    // A connection that has sent eleven packets of 1,000 octets and is shunted.
    void grow() {
        bench_.packet(key_, packet_at(now_, Sender::low, syn, 40));
        for (int i = 0; i < 11; ++i) {
            send(Sender::low, ack);
        }
        shunt_.serve();
        ASSERT_EQ(shunt_.flows(), 1U);
    }
    void send(Sender sender, std::uint16_t bits) {
        now_ += 1ms;
        bench_.packet(key_, packet_at(now_, sender, bits));
    }
    // Turns of the worker until so much time has gone by; the other side serves or not.
    void pass(Nanoseconds time, bool serve = true) {
        for (const ObservedAt end = now_ + time; now_ < end; now_ += 10ms) {
            bench_.turn(now_);
            bench_.collect();
            if (serve) {
                shunt_.serve();
            }
        }
    }
    std::uint64_t packets_of(std::size_t record) const {
        return bench_.records()[record].forward.packets.value +
               bench_.records()[record].reverse.packets.value;
    }

    ShuntBench shunt_{4};
    Bench bench_{&shunt_};
    flow::FlowKey key_ = tcp_key(1);
    ObservedAt now_ = began;
};

TEST_F(OneFlow, is_shunted_just_above_the_threshold) {
    for (const std::uint32_t octets : {std::uint32_t{10'000}, std::uint32_t{10'001}}) {
        bench_.packet(tcp_key(octets), packet_at(now_, Sender::low, ack, octets));
        bench_.packet(tcp_key(octets), packet_at(now_, Sender::low, ack, 0));
        shunt_.serve();
        EXPECT_EQ(shunt_.flows(), octets == 10'001 ? 1U : 0U);
    }
}

TEST_F(OneFlow, does_not_idle_out_while_its_packets_are_counted_elsewhere) {
    grow();
    for (int second = 0; second < 9; ++second) {
        send(Sender::high, ack);
        pass(1s);
    }
    EXPECT_EQ(shunt_.packets(), 9U);
    EXPECT_EQ(bench_.books().folded.packets, 9U) << "folded as they come, not at the end";
    EXPECT_TRUE(bench_.records().empty());
    const ObservedAt last = now_;
    pass(6s);
    ASSERT_EQ(bench_.records().size(), 1U) << "cut after ten seconds, then idle and empty";
    EXPECT_EQ(bench_.records()[0].end_reason, FlowEndReason::active_timeout);
    EXPECT_EQ(packets_of(0), 21U);
    EXPECT_LT(bench_.records()[0].end, last);
    EXPECT_EQ(shunt_.flows(), 0U);
}

TEST_F(OneFlow, ends_only_when_its_last_counts_are_here) {
    grow();
    pass(5'200ms, false);  // idle, and asked to leave, but nobody answers
    EXPECT_TRUE(bench_.records().empty());
    EXPECT_EQ(shunt_.flows(), 1U);
    send(Sender::low, push);  // still counted there
    EXPECT_EQ(shunt_.packets(), 1U);
    pass(300ms);
    EXPECT_EQ(shunt_.flows(), 0U);
    EXPECT_TRUE(bench_.records().empty()) << "that packet kept the flow alive";
    pass(6s);
    ASSERT_EQ(bench_.records().size(), 1U);
    EXPECT_EQ(packets_of(0), 13U);
    EXPECT_EQ(bench_.records()[0].forward_tcp_control_bits, syn | push);
}

TEST_F(OneFlow, that_opens_again_before_it_is_gone_loses_nothing) {
    grow();
    send(Sender::low, push);  // shunted
    send(Sender::low, rst);
    send(Sender::low, ack);  // shunted, after the end
    bench_.packet(key_, packet_at(now_, Sender::low, syn, 40));
    send(Sender::low, ack);  // shunted, of the new connection
    send(Sender::high, ack);
    pass(20s);
    bench_.drain(now_);
    ASSERT_EQ(bench_.records().size(), 2U);
    EXPECT_EQ(packets_of(0), 12U + 1 + 1 + 1);
    EXPECT_EQ(packets_of(1), 1U + 1 + 1);
    EXPECT_EQ(bench_.books().folded.packets, shunt_.packets());
}

// The new connection ends too before the old slot's last counts are here: they make a flow anew.
TEST_F(OneFlow, whose_last_counts_find_no_flow_begins_one) {
    ShuntBench shunt(4);
    Bench bench(&shunt, 10'000, 1);  // sixteen places at most: the flow will have to make room
    for (int i = 0; i < 12; ++i) {
        bench.packet(key_, packet_at(now_, Sender::low, ack));
    }
    shunt.serve();
    for (std::uint32_t other = 100;
         bench.books().flows_ended[index_of(FlowEndReason::lack_of_resources)] < 50; ++other) {
        bench.packet(tcp_key(other), packet_at(now_, Sender::low, ack, 40));
    }
    bench.packet(key_, packet_at(now_, Sender::high, push, 77));
    bench.packet(key_, packet_at(now_, Sender::high, push, 77));
    EXPECT_EQ(shunt.packets(), 2U);
    for (int i = 0; i < 50; ++i) {
        now_ += 10ms;
        bench.turn(now_);
        shunt.serve();
    }
    EXPECT_EQ(bench.books().folded.packets, 2U);
    bench.drain(now_);
    EXPECT_EQ(bench.books().folded, (Traffic{.packets = 2, .octets = 154, .layer2_octets = 182}));
}

TEST_F(OneFlow, leaves_with_all_its_packets_at_the_end) {
    grow();
    for (int i = 0; i < 1'000; ++i) {
        send(Sender::high, ack);
    }
    bench_.drain(now_);
    ASSERT_EQ(bench_.records().size(), 1U);
    EXPECT_EQ(packets_of(0), 1'012U);
    EXPECT_EQ(bench_.records()[0].reverse.packets, Packets{1'000});
}

// What came after the time of the cut belongs to the next record, also when both come at once.
TEST_F(OneFlow, is_still_cut_at_the_end) {
    grow();
    now_ = began + 4s;
    send(Sender::high, ack);
    now_ = began + 8s;
    send(Sender::high, ack);
    now_ = began + 10s;
    send(Sender::high, push);
    bench_.drain(now_);
    ASSERT_EQ(bench_.records().size(), 2U);
    EXPECT_EQ(packets_of(0), 14U);
    EXPECT_EQ(bench_.records()[0].end_reason, FlowEndReason::active_timeout);
    EXPECT_EQ(packets_of(1), 1U);
    EXPECT_EQ(bench_.records()[1].start, now_);
    EXPECT_EQ(bench_.records()[1].reverse_tcp_control_bits, push);
}

// It was idle before the cut, and what came later was counted behind the cut: another flow's.
TEST_F(OneFlow, that_had_ended_leaves_what_came_later_to_the_next) {
    grow();
    now_ = began + 11s;
    send(Sender::high, push);
    bench_.drain(now_);
    ASSERT_EQ(bench_.records().size(), 2U);
    EXPECT_EQ(packets_of(0), 12U);
    EXPECT_EQ(bench_.records()[0].end_reason, FlowEndReason::idle_timeout);
    EXPECT_EQ(packets_of(1), 1U);
    EXPECT_EQ(bench_.records()[1].flow_start, now_);
    EXPECT_EQ(bench_.books().folded.packets, 1U);
}

TEST_F(OneFlow, is_folded_later_where_its_lines_are_being_written) {
    grow();
    send(Sender::high, ack);
    shunt_.toggle_writing();
    pass(1s);
    EXPECT_EQ(bench_.books().folded.packets, 0U);
    shunt_.toggle_writing();
    pass(1s);
    EXPECT_EQ(bench_.books().folded.packets, 1U);
}

TEST(Shunts, a_large_flow_without_a_place_goes_on_as_it_was) {
    ShuntBench shunt(2, 1, 1);  // two slots, and a kernel that takes one flow
    Bench bench(&shunt);
    ObservedAt now = began;
    for (std::uint32_t number = 0; number < 3; ++number) {
        for (int i = 0; i < 20; ++i) {
            bench.packet(tcp_key(number), packet_at(now, Sender::low, ack));
        }
        shunt.serve();
    }
    EXPECT_EQ(shunt.flows(), 1U);
    EXPECT_EQ(bench.books().shunts_refused, 1U) << "no slot";
    for (int i = 0; i < 100; ++i, now += 10ms) {
        bench.turn(now);
    }
    EXPECT_EQ(bench.books().shunts_refused, 2U) << "and no place behind it";
    EXPECT_EQ(bench.books().flows_unshunted, 1U);
    bench.drain(now);
    EXPECT_EQ(bench.books().metered.packets, 60U);
}

// The first record is cut before anything of the second came, and idle is far away: the second cut
// must come in time though no packet of the flow comes by to remind of it.
TEST(Shunts, a_flow_is_cut_in_time_though_none_of_its_packets_come) {
    ShuntBench shunt(4);
    Bench bench(&shunt, 10'000, 1'024, {.idle = 30s, .active = 10s, .tcp_end = 1s});
    ObservedAt now = began;
    for (int i = 0; i < 12; ++i) {
        bench.packet(tcp_key(1), packet_at(now, Sender::low, ack));
    }
    shunt.serve();
    const auto pass = [&](Nanoseconds time) {
        for (const ObservedAt end = now + time; now < end; now += 10ms) {
            bench.turn(now);
            bench.collect();
        }
    };
    pass(11s);
    ASSERT_EQ(bench.records().size(), 1U);
    for (int second = 11; second < 25; ++second) {
        bench.packet(tcp_key(1), packet_at(now, Sender::high, ack));
        pass(1s);
    }
    EXPECT_EQ(shunt.packets(), 14U);
    EXPECT_EQ(bench.books().folded.packets, 14U) << "none waits for a cut that is late";
    ASSERT_EQ(bench.records().size(), 2U);
    EXPECT_EQ(bench.records()[1].start, began + 11s);
    EXPECT_EQ(bench.records()[1].end, began + 20s);
    EXPECT_EQ(bench.records()[1].forward.packets.value + bench.records()[1].reverse.packets.value,
              10U);
}

TEST(Shunts, fragments_and_other_protocols_are_not_asked_for) {
    ShuntBench shunt(4);
    Bench bench(&shunt);
    flow::FlowKey fragments = tcp_key(1);
    fragments.low_port = 0;
    fragments.high_port = 0;
    flow::FlowKey icmp = fragments;
    icmp.protocol = 1;
    flow::FlowKey esp = fragments;
    esp.protocol = 50;
    for (const flow::FlowKey& key : {fragments, icmp, esp}) {
        for (int i = 0; i < 20; ++i) {
            Observation packet = packet_at(began, Sender::low, 0);
            packet.protocol = key.protocol;
            bench.packet(key, packet);
        }
    }
    shunt.serve();
    EXPECT_EQ(shunt.flows(), 1U) << "ESP";
}

}  // namespace
}  // namespace tapmeter
