// Records with the shunt and without it, compared in every field.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include "tests/support/shunted_metering.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using flow::Observation;
using flow::Sender;
using testing::ack;
using testing::began;
using testing::fin;
using testing::packet_at;
using testing::push;
using testing::rst;
using testing::ShuntBench;
using testing::syn;
using testing::syn_ack;
using testing::tcp_key;
using Bench = testing::ShuntedMetering;

struct TimedPacket {
    flow::FlowKey key;
    Observation packet;
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

}  // namespace
}  // namespace tapmeter
