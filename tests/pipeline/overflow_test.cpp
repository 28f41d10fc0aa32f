#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "pipeline/flow/own_sessions.h"
#include "pipeline/metering.h"
#include "tests/support/metering_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using testing::broken_law;
using testing::MeteringBench;
using testing::Sent;

constexpr ObservedAt began{1'000s};
constexpr std::uint16_t syn = 0x02;
constexpr std::uint16_t syn_ack = 0x12;
constexpr std::uint16_t ack = 0x10;
constexpr std::uint32_t victim = 0xc000'0250;  // 192.0.2.80

// Spoofed SYN number `number` to one server.
Sent spoofed(std::uint32_t number, std::uint32_t destination = victim) {
    return {.source = 0x0b00'0000 + number * 2'654'435'761U % 0x0100'0000,
            .destination = destination,
            .source_port = static_cast<std::uint16_t>(number),
            .destination_port = 80,
            .protocol = 6,
            .control_bits = syn,
            .at = began,
            .octets = 40};
}

std::vector<flow::FlowRecord> aggregates_of(const MeteringBench& bench) {
    std::vector<flow::FlowRecord> found;
    std::ranges::copy_if(bench.records(), std::back_inserter(found), &flow::FlowRecord::aggregated);
    return found;
}

TEST(Overflow, a_flood_to_one_network_is_one_record_to_the_octet) {
    MeteringBench bench({.admission = {.aggregates = true, .flood_flows = 1}});
    bench.metering().admit(true, 0);
    for (std::uint32_t number = 0; number < 10'000; ++number) {
        bench.send(spoofed(number, victim + number % 8));
        bench.send(spoofed(number, victim + number % 8).back(syn_ack));
        ASSERT_EQ(broken_law(bench.books()), "");
    }
    bench.drain(began);

    const auto aggregates = aggregates_of(bench);
    ASSERT_EQ(aggregates.size(), 1U);
    const flow::FlowRecord& record = aggregates.front();
    EXPECT_EQ(record.source_prefix_length, 0);
    EXPECT_EQ(record.source, decode::Address{});
    EXPECT_EQ(record.destination_prefix_length, 24);
    EXPECT_EQ(record.destination[12], 192);
    EXPECT_EQ(record.destination[14], 2);
    EXPECT_EQ(record.destination[15], 0) << "the host is given up";
    EXPECT_EQ(record.destination_port, 0);
    EXPECT_EQ(record.protocol, 6);
    const std::uint64_t let_in = bench.records().size() - 1;
    EXPECT_EQ(let_in, 1U);
    EXPECT_EQ(record.forward.packets, Packets{10'000 - let_in});
    EXPECT_EQ(record.reverse.packets, Packets{10'000 - let_in}) << "the answers";
    EXPECT_EQ(bench.books().aggregated.packets, traffic_of(record).packets);
    EXPECT_EQ(bench.books().metered, bench.sent());
    EXPECT_EQ(bench.books().emitted, bench.sent());
    EXPECT_EQ(bench.books().aggregates_active, 0U);
    EXPECT_EQ(broken_law(bench.books()), "");
}

TEST(Overflow, known_flows_go_on_in_a_flood) {
    MeteringBench bench({.admission = {.aggregates = true, .flood_flows = 1}});
    const Sent client = {.source = 1, .destination = 2, .source_port = 3, .at = began};
    bench.send(client);
    bench.metering().admit(true, 0);
    bench.send(client.back());
    bench.send(client);
    EXPECT_EQ(bench.books().aggregated, Traffic{});
    EXPECT_EQ(bench.books().flows_active, 1U);
}

// Established flows fill half of a small table; then new flows come, a hundred for each place.
struct Siege {
    std::uint64_t evicted_answered = 0;
    std::uint64_t still_known = 0;
};
Siege besiege(bool aggregates) {
    constexpr std::uint32_t established = 850;
    MeteringBench bench({.flows_max = 1'024, .admission = {.aggregates = aggregates}});
    const auto client = [](std::uint32_t number) {
        return Sent{.source = number, .destination = victim, .source_port = 7, .at = began};
    };
    for (std::uint32_t number = 0; number < established; ++number) {
        bench.send(client(number));
        bench.send(client(number).back());
    }
    EXPECT_EQ(bench.books().evicted_answered, 0U);
    for (std::uint32_t number = 0; number < 100'000; ++number) {
        bench.send(spoofed(number));
        if (number % 1'000 == 0) {
            bench.collect();
        }
    }
    EXPECT_EQ(broken_law(bench.books()), "");
    EXPECT_EQ(bench.books().metered, bench.sent());
    const Siege siege{.evicted_answered = bench.books().evicted_answered};
    const std::uint64_t created = bench.books().flows_created;
    for (std::uint32_t number = 0; number < established; ++number) {
        bench.send(client(number));
    }
    return {.evicted_answered = siege.evicted_answered,
            .still_known = established - (bench.books().flows_created - created)};
}

TEST(Overflow, one_packet_flows_never_displace_answered_ones) {
    const Siege siege = besiege(true);
    EXPECT_EQ(siege.evicted_answered, 0U);
    EXPECT_EQ(siege.still_known, 850U);
}

TEST(Overflow, without_aggregates_they_do_where_two_buckets_hold_nothing_else) {
    EXPECT_GT(besiege(false).evicted_answered, 0U);
}

TEST(Overflow, many_networks_end_in_one_record_of_the_protocol) {
    MeteringBench bench({.flows_max = 1'024, .admission = {.aggregates = true, .flood_flows = 1}});
    bench.metering().admit(true, 0);
    for (std::uint32_t number = 0; number < 5'000; ++number) {
        bench.send(spoofed(number, 0x2000'0000 + (number << 8U)));
    }
    const std::size_t most = bench.metering().table().places() / 16;
    EXPECT_EQ(bench.books().aggregates_active, most + 1) << "and the one that takes the rest";
    bench.drain(began);
    const auto aggregates = aggregates_of(bench);
    EXPECT_EQ(std::ranges::count(aggregates, 0, &flow::FlowRecord::destination_prefix_length), 1);
    EXPECT_EQ(bench.books().emitted, bench.sent());
    EXPECT_EQ(broken_law(bench.books()), "");
}

TEST(Overflow, an_aggregate_is_cut_and_ends_like_a_flow) {
    MeteringBench bench({.admission = {.aggregates = true, .flood_flows = 0.001}});
    bench.metering().admit(true, 0);
    bench.send(spoofed(1));  // the one that is let in
    for (int second = 0; second < 130; second += 10) {
        Sent one = spoofed(2);
        one.at = began + std::chrono::seconds(second);
        bench.send(one);
    }
    bench.metering().expire(began + 200s, 256);
    bench.collect();
    EXPECT_EQ(aggregates_of(bench).size(), 3U);
    EXPECT_EQ(bench.books().aggregates_active, 0U);
    EXPECT_EQ(broken_law(bench.books()), "");
}

Sent numbered(std::uint32_t number, ObservedAt at = began) {
    return {.source = number, .destination = victim, .source_port = 9, .at = at};
}

TEST(FlowSampling, whole_flows_are_in_or_out_and_every_packet_has_its_account) {
    constexpr std::uint32_t flows = 4'000;
    MeteringBench bench({.flows_max = 8'192});
    bench.metering().admit(false, 2);
    for (int round = 0; round < 3; ++round) {
        for (std::uint32_t number = 0; number < flows; ++number) {
            bench.send(numbered(number));
            bench.send(numbered(number).back());
        }
    }
    bench.drain(began);
    EXPECT_NEAR(static_cast<double>(bench.records().size()), flows / 4.0,
                5 * std::sqrt(flows / 4.0));
    for (const flow::FlowRecord& record : bench.records()) {
        ASSERT_EQ(record.forward.packets, Packets{3});
        ASSERT_EQ(record.reverse.packets, Packets{3});
        ASSERT_EQ(record.sampling_exponent, 2);
    }
    Traffic all = bench.books().metered;
    all += bench.books().ignored[index_of(LeftOut::flow_sampling)];
    EXPECT_EQ(all, bench.sent());
    EXPECT_EQ(broken_law(bench.books()), "");
}

// From the first packet on, either way; whoever else speaks to the collector is metered.
TEST(OwnExport, is_left_out_under_its_own_name) {
    const Sent message{.source = 1,
                       .destination = 2,
                       .source_port = 40'000,
                       .destination_port = 4'739,
                       .at = began};
    Sent neighbour = message;
    neighbour.source = 3;
    flow::OwnSession session;
    session.begin({.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, .port = 40'000},
                  {.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}, .port = 4'739},
                  message.protocol, 4);
    MeteringBench bench({});
    for (int i = 0; i < 5; ++i) {
        bench.send(message);
        bench.send(message.back());
        bench.send(neighbour);
    }
    bench.drain(began);
    ASSERT_EQ(bench.records().size(), 1U);
    EXPECT_EQ(bench.records()[0].forward.packets, Packets{5});
    EXPECT_EQ(bench.books().ignored[index_of(LeftOut::own_export)],
              (Traffic{.packets = 10, .octets = 1'000, .layer2_octets = 1'140}));
    EXPECT_EQ(broken_law(bench.books()), "");
}

TEST(FlowSampling, known_flows_stay_whole_when_fewer_are_let_in) {
    MeteringBench bench({});
    for (std::uint32_t number = 0; number < 100; ++number) {
        bench.send(numbered(number));
    }
    bench.metering().admit(false, 8);
    for (std::uint32_t number = 0; number < 100; ++number) {
        bench.send(numbered(number));
    }
    bench.drain(began);
    ASSERT_EQ(bench.records().size(), 100U);
    for (const flow::FlowRecord& record : bench.records()) {
        ASSERT_EQ(record.forward.packets, Packets{2});
        ASSERT_EQ(record.sampling_exponent, 0) << "the rate when it began";
    }
}

// Else flows that begin now would stand for fewer than their neighbours in the same seconds.
TEST(FlowSampling, a_flow_is_cut_when_more_are_let_in) {
    MeteringBench bench({});
    bench.metering().admit(false, 3);
    for (std::uint32_t number = 0; number < 1'000; ++number) {
        bench.send(numbered(number));
    }
    const std::uint64_t chosen = bench.books().flows_active;
    bench.metering().admit(false, 0);
    for (std::uint32_t number = 0; number < 1'000; ++number) {
        bench.send(numbered(number, began + 1s));
    }
    EXPECT_EQ(bench.books().flows_active, 1'000U);
    bench.drain(began + 1s);
    std::map<int, std::uint64_t> records_at;
    for (const flow::FlowRecord& record : bench.records()) {
        ++records_at[record.sampling_exponent];
        ASSERT_EQ(record.forward.packets, Packets{1});
    }
    EXPECT_EQ(records_at, (std::map<int, std::uint64_t>{{3, chosen}, {0, 1'000}}));
    EXPECT_EQ(bench.books().active_cuts, chosen);
    EXPECT_EQ(broken_law(bench.books()), "");
}

TEST(FlowSampling, flows_of_different_rates_do_not_share_an_aggregate) {
    MeteringBench bench({.admission = {.aggregates = true, .flood_flows = 1}});
    for (const unsigned exponent : {0U, 1U}) {
        bench.metering().admit(true, exponent);
        for (std::uint32_t number = 0; number < 1'000; ++number) {
            bench.send(spoofed(number));
        }
    }
    bench.drain(began);
    const auto aggregates = aggregates_of(bench);
    ASSERT_EQ(aggregates.size(), 2U);
    EXPECT_NE(aggregates[0].sampling_exponent, aggregates[1].sampling_exponent);
    EXPECT_EQ(broken_law(bench.books()), "");
}

}  // namespace
}  // namespace tapmeter
