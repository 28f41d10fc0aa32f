#include "pipeline/flow/meter.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "pipeline/flow/timeouts.h"
#include "tests/support/flows.h"

namespace tapmeter::flow {
namespace {

using namespace std::chrono_literals;
using testing::at;

constexpr std::uint16_t fin = 0x01;
constexpr std::uint16_t syn = 0x02;
constexpr std::uint16_t rst = 0x04;
constexpr std::uint16_t ack = 0x10;

Observation tcp(Sender sender, std::uint16_t bits, Nanoseconds time = 1s) {
    return {.at = at(time),
            .octets = 100,
            .layer2_octets = 114,
            .tcp_control_bits = bits,
            .sender = sender,
            .protocol = 6,
            .time_to_live = 64};
}

Flow flow_of(std::initializer_list<Observation> packets) {
    Flow flow;
    begin(flow, testing::key_number(1), *packets.begin());
    for (const auto* packet = packets.begin() + 1; packet != packets.end(); ++packet) {
        update(flow, *packet);
    }
    return flow;
}

FlowRecord record(const Flow& flow) {
    return record_of(flow, {}, FlowEndReason::idle_timeout);
}

TEST(Meter, the_sender_of_a_syn_is_the_initiator) {
    const Flow flow = flow_of({tcp(Sender::high, syn), tcp(Sender::low, syn | ack)});
    EXPECT_EQ(record(flow).source, flow.key.high);
    EXPECT_EQ(record(flow).biflow_direction, 1);
}

TEST(Meter, the_sender_of_a_syn_ack_is_the_responder_even_when_seen_first) {
    const Flow flow = flow_of({tcp(Sender::high, syn | ack), tcp(Sender::low, ack)});
    EXPECT_EQ(record(flow).source, flow.key.low);
    EXPECT_EQ(record(flow).source_port, flow.key.low_port);
    EXPECT_EQ(record(flow).biflow_direction, 1);
}

TEST(Meter, without_a_syn_the_first_packet_decides) {
    const Flow flow = flow_of({tcp(Sender::high, ack), tcp(Sender::low, ack)});
    EXPECT_EQ(record(flow).source, flow.key.high);
    EXPECT_EQ(record(flow).biflow_direction, 0);
}

TEST(Meter, a_late_syn_turns_the_record_round_with_its_counters) {
    const Flow flow =
        flow_of({tcp(Sender::high, ack), tcp(Sender::high, ack), tcp(Sender::low, syn)});
    const FlowRecord turned = record(flow);
    EXPECT_EQ(turned.source, flow.key.low);
    EXPECT_EQ(turned.forward.packets, Packets{1});
    EXPECT_EQ(turned.reverse.packets, Packets{2});
    EXPECT_EQ(turned.forward_tcp_control_bits, syn);
    EXPECT_EQ(turned.reverse_tcp_control_bits, ack);
}

TEST(Meter, counts_both_layers_and_ors_the_control_bits) {
    const Flow flow = flow_of({tcp(Sender::low, syn), tcp(Sender::low, ack | fin)});
    const FlowRecord counted = record(flow);
    EXPECT_EQ(counted.forward.octets, Octets{200});
    EXPECT_EQ(counted.forward.layer2_octets, Octets{228});
    EXPECT_EQ(counted.forward_tcp_control_bits, syn | ack | fin);
    EXPECT_EQ(counted.reverse.packets, Packets{0});
}

TEST(Meter, a_record_spans_its_earliest_and_latest_packet) {
    const Flow flow =
        flow_of({tcp(Sender::low, 0, 5s), tcp(Sender::low, 0, 3s), tcp(Sender::low, 0, 4s)});
    EXPECT_EQ(record(flow).start, at(3s));
    EXPECT_EQ(record(flow).end, at(5s));
}

TEST(Meter, tcp_has_ended_after_fin_both_ways_or_a_reset) {
    EXPECT_FALSE(has_ended(flow_of({tcp(Sender::low, fin | ack), tcp(Sender::low, fin | ack)})));
    EXPECT_TRUE(has_ended(flow_of({tcp(Sender::low, fin | ack), tcp(Sender::high, fin | ack)})));
    EXPECT_TRUE(has_ended(flow_of({tcp(Sender::low, syn), tcp(Sender::high, rst | ack)})));
}

TEST(Meter, control_bits_mean_nothing_outside_tcp) {
    Observation udp = tcp(Sender::low, rst);
    udp.protocol = 17;
    EXPECT_FALSE(has_ended(flow_of({udp, udp})));
}

TEST(Meter, only_a_plain_syn_reopens_and_only_what_has_ended) {
    const Flow ended = flow_of({tcp(Sender::low, syn), tcp(Sender::high, rst)});
    EXPECT_TRUE(reopens(ended, tcp(Sender::low, syn)));
    EXPECT_FALSE(reopens(ended, tcp(Sender::low, syn | ack)));
    EXPECT_FALSE(reopens(ended, tcp(Sender::low, ack)));
    EXPECT_FALSE(reopens(flow_of({tcp(Sender::low, syn)}), tcp(Sender::low, syn)));
}

TEST(Meter, a_cut_flow_counts_anew_and_remembers_its_initiator) {
    Flow flow = flow_of({tcp(Sender::high, syn), tcp(Sender::low, syn | ack)});
    clear_after_cut(flow);
    EXPECT_EQ(record(flow).forward.packets, Packets{0});
    update(flow, tcp(Sender::low, ack, 90s));
    const FlowRecord second = record(flow);
    EXPECT_EQ(second.source, flow.key.high);
    EXPECT_EQ(second.start, at(90s));
    EXPECT_EQ(second.reverse.packets, Packets{1});
    EXPECT_EQ(second.forward_ttl_min, 0) << "no packet that way since the cut";
}

TEST(Meter, flow_ids_fit_a_double_and_differ_by_key_and_start) {
    const auto id = flow_id_of(testing::key_number(1), at(1s));
    EXPECT_LT(id, std::uint64_t{1} << 53U);
    EXPECT_NE(id, flow_id_of(testing::key_number(2), at(1s)));
    EXPECT_NE(id, flow_id_of(testing::key_number(1), at(2s)));
    EXPECT_EQ(id, flow_id_of(testing::key_number(1), at(1s)));
}

constexpr Timeouts timeouts{.idle = 30s, .active = 60s, .tcp_end = 2s};

TEST(Timeouts, the_earlier_of_cut_and_end_comes_first) {
    Flow flow = flow_of({tcp(Sender::low, ack, 0s), tcp(Sender::low, ack, 29s)});
    EXPECT_EQ(next_event(flow, timeouts).what, Due::idle_end);
    EXPECT_EQ(next_event(flow, timeouts).at, at(59s));
    update(flow, tcp(Sender::low, ack, 31s));
    EXPECT_EQ(next_event(flow, timeouts).what, Due::cut);
    EXPECT_EQ(next_event(flow, timeouts).at, at(60s));
    clear_after_cut(flow);
    EXPECT_EQ(next_event(flow, timeouts).what, Due::idle_end) << "nothing to cut";
}

// Packets of every kind, in any order of times, with cuts between them: the short way of those that
// only add comes to what the long one does.
TEST(Meter, a_packet_that_only_adds_is_added_the_same_by_the_short_way) {
    constexpr std::uint16_t of_no_connection = 0xff8;
    std::mt19937 random(20'261'123);
    const auto one_in = [&](unsigned n) { return random() % n == 0; };
    const auto some_bits = [&]() -> std::uint16_t {
        if (one_in(8)) {
            return one_in(2) ? syn : one_in(2) ? fin : rst;
        }
        return static_cast<std::uint16_t>(ack | (random() & of_no_connection));
    };
    unsigned short_ways = 0;
    for (unsigned flow = 0; flow < 2'000; ++flow) {
        Flow by_long;
        begin(by_long, testing::key_number(flow), tcp(Sender::low, one_in(2) ? syn : ack));
        Flow by_either = by_long;
        for (unsigned i = 0; i < 40; ++i) {
            const Sender sender = one_in(3) ? Sender::high : Sender::low;
            Observation packet =
                tcp(sender, some_bits(), std::chrono::milliseconds(random() % 5'000));
            packet.octets = static_cast<std::uint32_t>(random() % 1'500);
            packet.time_to_live = static_cast<std::uint8_t>(random());
            packet.type_of_service = static_cast<std::uint8_t>(random());
            if (flow % 4 == 0) {
                packet.protocol = 17;
                packet.tcp_control_bits = 0;
            }
            if (one_in(10)) {
                clear_after_cut(by_long);
                clear_after_cut(by_either);
            }
            update(by_long, packet);
            if (only_adds(by_either, packet)) {
                add_plain(by_either, packet);
                ++short_ways;
            } else {
                update(by_either, packet);
            }
            ASSERT_EQ(std::memcmp(&by_long, &by_either, sizeof(Flow)), 0) << "packet " << i;
        }
    }
    EXPECT_GT(short_ways, 10'000U);
}

TEST(Timeouts, a_flow_that_has_ended_lingers) {
    const Flow flow = flow_of({tcp(Sender::low, rst, 10s)});
    EXPECT_EQ(next_event(flow, timeouts).what, Due::end_of_flow);
    EXPECT_EQ(next_event(flow, timeouts).at, at(12s));
}

TEST(Timeouts, deadlines_round_up_and_stay_comparable) {
    const ObservedAt now = at(1'000s);
    EXPECT_TRUE(is_due(deadline_ticks(at(999s), now), ticks_of(now))) << "past: due now";
    const Ticks soon = deadline_ticks(now + 1ns, now);
    EXPECT_FALSE(is_due(soon, ticks_of(now)));
    EXPECT_TRUE(is_due(soon, ticks_of(now + 34ms))) << "two ticks later at most";
    const Ticks far = deadline_ticks(at(90'000s), now);
    EXPECT_FALSE(is_due(far, ticks_of(now)));
    EXPECT_TRUE(is_due(far, ticks_of(now + 275s))) << "looked at again after 4.6 minutes";
}

}  // namespace
}  // namespace tapmeter::flow
