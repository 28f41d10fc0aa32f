#include "pipeline/shunts.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <tuple>
#include <vector>

#include "pipeline/metering.h"
#include "tests/support/flows.h"
#include "tests/support/shunt_bench.h"
#include "tests/support/worker_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using flow::FlowEndReason;
using flow::Observation;
using flow::Sender;
using testing::broken_law;
using testing::ShuntBench;

constexpr ObservedAt began{1'000s};
constexpr std::uint16_t syn = 0x02;
constexpr std::uint16_t syn_ack = 0x12;
constexpr std::uint16_t ack = 0x10;
constexpr std::uint16_t push = 0x18;
constexpr std::uint16_t fin = 0x11;
constexpr std::uint16_t rst = 0x04;

struct TimedPacket {
    flow::FlowKey key;
    Observation packet;
};

flow::FlowKey tcp_key(std::uint32_t number) {
    flow::FlowKey key = testing::key_number(number);
    key.protocol = 6;
    key.low_port = 80;
    return key;
}

Observation packet_at(ObservedAt at, Sender sender, std::uint16_t bits,
                      std::uint32_t octets = 1'000) {
    return {.at = at,
            .octets = octets,
            .layer2_octets = octets + 14,
            .tcp_control_bits = bits,
            .sender = sender,
            .protocol = 6,
            .type_of_service = static_cast<std::uint8_t>(octets),
            .time_to_live = static_cast<std::uint8_t>(64 - octets % 7)};
}

// A metering with or without a shunt before it, fed millisecond by millisecond.
class Bench {
public:
    explicit Bench(ShuntBench* shunt, std::uint64_t octets = 10'000, std::size_t flows_max = 1'024)
        : shunt_(shunt),
          ring_(1 << 14U),
          metering_(
              {.ring = ring_,
               .books = books_,
               .table = std::move(*flow::FlowTable::make(
                   {.flows_max = flows_max, .pages = Region::Wanted::small, .populate = false})),
               .hasher = flow::FlowHasher({5, 6}),
               .timeouts = timeouts,
               .worker = 3,
               .shunt = {.octets = octets,
                         .door = shunt != nullptr ? &shunt->door() : nullptr,
                         .interval = 100ms,
                         .active = timeouts.active}}) {}

    void packet(const flow::FlowKey& key, const Observation& packet) {
        if (shunt_ != nullptr && shunt_->takes(key, packet)) {
            return;
        }
        newest_ = std::max(newest_, packet.at);
        metering_.meter({&key, 1}, {&packet, 1}, newest_);
        books_.received_packets += 1;
        books_.received_octets += packet.layer2_octets;
    }
    void turn(ObservedAt now) {
        newest_ = std::max(newest_, now);
        metering_.fold(newest_);
        metering_.expire(newest_, 256);
        ASSERT_EQ(broken_law(books_), "");
    }
    void drain(ObservedAt end) {
        while (!metering_.drain(end)) {
            collect();
        }
        collect();
        ASSERT_EQ(broken_law(books_), "");
        EXPECT_EQ(books_.flows_active, 0U);
    }
    void collect() {
        ring_.publish();
        for (auto some = ring_.readable(); !some.empty(); some = ring_.readable()) {
            records_.insert(records_.end(), some.begin(), some.end());
            ring_.consume(some.size());
        }
    }
    const WorkerBooks& books() const { return books_; }
    const std::vector<flow::FlowRecord>& records() const { return records_; }

    static constexpr flow::Timeouts timeouts{.idle = 5s, .active = 10s, .tcp_end = 1s};

private:
    ShuntBench* shunt_;
    RecordRing ring_;
    WorkerBooks books_{};
    Metering metering_;
    ObservedAt newest_{};
    std::vector<flow::FlowRecord> records_;
};

// Everything that a record says, but for the order in which records left.
using Said = std::tuple<std::int64_t, std::int64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                        std::uint64_t, std::uint64_t, std::uint64_t, int, int, int, int, int, int,
                        int, std::uint64_t, int>;
std::multimap<std::uint64_t, Said> said(const std::vector<flow::FlowRecord>& records) {
    std::multimap<std::uint64_t, Said> all;
    for (const flow::FlowRecord& r : records) {
        all.emplace(
            r.flow_id,
            Said{r.start.time_since_epoch().count(), r.end.time_since_epoch().count(),
                 r.forward.packets.value, r.forward.octets.value, r.forward.layer2_octets.value,
                 r.reverse.packets.value, r.reverse.octets.value, r.reverse.layer2_octets.value,
                 r.forward_tcp_control_bits, r.reverse_tcp_control_bits, r.forward_type_of_service,
                 r.reverse_type_of_service, r.forward_ttl_min, r.reverse_ttl_min,
                 static_cast<int>(r.end_reason), r.flow_start.time_since_epoch().count(),
                 r.biflow_direction});
    }
    return all;
}

// Conversations of all kinds over a minute: some fall silent for longer than the idle timeout, some
// end with FIN or RST and open again at once. Times are whole microseconds of their own.
std::vector<TimedPacket> traffic(unsigned seed) {
    std::mt19937 random(seed);
    std::vector<TimedPacket> packets;
    constexpr std::uint32_t flows = 40;
    for (std::uint32_t number = 0; number < flows; ++number) {
        const flow::FlowKey key = tcp_key(number);
        ObservedAt at = began + 1us * (number + 1);
        const auto put = [&](Sender sender, std::uint16_t bits) {
            packets.push_back({key, packet_at(at, sender, bits,
                                              60 + static_cast<std::uint32_t>(random() % 1'400))});
        };
        while (at < began + 60s) {
            put(Sender::low, syn);
            at += 1ms;
            put(Sender::high, syn_ack);
            const int count = 20 + static_cast<int>(random() % 6'000);
            for (int i = 0; i < count && at < began + 60s; ++i) {
                at += random() % 2'500 == 0 ? 8s : 1ms * (1 + random() % 20);
                put(random() % 3 == 0 ? Sender::high : Sender::low, i % 5 == 0 ? push : ack);
            }
            at += 1ms;
            if (random() % 2 == 0) {
                put(Sender::low, rst);
            } else {
                put(Sender::low, fin);
                at += 1ms;
                put(Sender::high, fin);
            }
            at += random() % 2 == 0 ? 1ms : 3s;
        }
    }
    std::ranges::stable_sort(packets, {}, [](const TimedPacket& p) { return p.packet.at; });
    return packets;
}

void run(Bench& bench, ShuntBench* shunt, const std::vector<TimedPacket>& packets) {
    ObservedAt tick = began;
    std::size_t next = 0;
    for (int turn = 0; next < packets.size(); ++turn, tick += 1ms) {
        for (; next < packets.size() && packets[next].packet.at < tick; ++next) {
            bench.packet(packets[next].key, packets[next].packet);
        }
        bench.turn(tick);
        if (::testing::Test::HasFatalFailure()) {
            return;
        }
        if (shunt != nullptr && turn % 7 == 0) {
            shunt->serve();
        }
        bench.collect();
    }
    bench.drain(tick);
}

class ShuntsAndNot : public ::testing::TestWithParam<unsigned> {};

// The whole promise: with the shunt or without, records say the same, to the nanosecond.
TEST_P(ShuntsAndNot, records_are_equal_in_every_field) {
    const auto packets = traffic(GetParam());
    Bench plain(nullptr, Shunts::Settings::never);
    run(plain, nullptr, packets);
    ShuntBench shunt(1'000);
    Bench shunted(&shunt);
    run(shunted, &shunt, packets);

    EXPECT_EQ(said(shunted.records()), said(plain.records()));
    const WorkerBooks& books = shunted.books();
    EXPECT_EQ(books.folded.packets, shunt.packets());
    EXPECT_GT(books.folded.packets, packets.size() / 2) << "most packets never came";
    EXPECT_EQ(books.flows_shunted, books.flows_unshunted);
    EXPECT_GT(books.flows_shunted, 40U);
    EXPECT_GT(books.active_cuts, 40U);
    EXPECT_EQ(books.metered, plain.books().metered);
}

INSTANTIATE_TEST_SUITE_P(, ShuntsAndNot, ::testing::Values(1U, 2U, 3U));

TEST(Shunts, without_a_door_flows_are_marked_and_nothing_else_changes) {
    const auto packets = traffic(4);
    Bench plain(nullptr, Shunts::Settings::never);
    run(plain, nullptr, packets);
    Bench marked(nullptr, 10'000);
    run(marked, nullptr, packets);
    EXPECT_EQ(said(marked.records()), said(plain.records()));
    EXPECT_EQ(plain.books().flows_shunted, 0U);
    EXPECT_GT(marked.books().flows_shunted, 40U);
    EXPECT_EQ(marked.books().folded, Traffic{});
}

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
