#include "pipeline/flow/aggregate.h"

#include <gtest/gtest.h>

#include "tests/support/flows.h"

namespace tapmeter::flow {
namespace {

constexpr std::uint8_t tcp = 6;
constexpr std::uint16_t syn = 0x02;
constexpr std::uint16_t syn_ack = 0x12;
constexpr std::uint16_t rst_ack = 0x14;

// From 10.0.0.1 to 192.0.2.80, or back.
struct OnePacket {
    FlowKey key{};
    Observation seen{};
};
OnePacket one_packet(bool from_client, std::uint16_t control_bits, std::uint8_t protocol = tcp) {
    decode::Headers headers;
    headers.ip_version = 4;
    headers.protocol = protocol;
    const decode::Address client{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1};
    const decode::Address server{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 80};
    headers.source = from_client ? client : server;
    headers.destination = from_client ? server : client;
    headers.source_port = 5;
    headers.destination_port = 6;
    headers.vlan = 7;
    OnePacket packet;
    packet.seen.sender = write_key(headers, true, packet.key);
    packet.seen.protocol = protocol;
    packet.seen.tcp_control_bits = control_bits;
    packet.seen.octets = 40;
    return packet;
}

FlowKey key_of(const OnePacket& packet, AggregateBy by = AggregateBy::network,
               unsigned exponent = 0) {
    return aggregate_key(packet.key, packet.seen, by, exponent);
}

TEST(Aggregate, has_the_network_the_packet_goes_to_and_gives_the_rest_up) {
    const FlowKey key = key_of(one_packet(true, syn));
    EXPECT_TRUE(is_aggregate(key));
    EXPECT_EQ(key.low, decode::Address{});
    EXPECT_EQ(key.high, (decode::Address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 0}));
    EXPECT_EQ(key.low_port, 0);
    EXPECT_EQ(key.high_port, 0);
    EXPECT_EQ(key.protocol, tcp);
    EXPECT_EQ(key.vlan, 7);
    EXPECT_EQ(key.prefix_length, 24);
    EXPECT_FALSE(is_aggregate(one_packet(true, syn).key));
}

TEST(Aggregate, takes_the_answers_of_tcp_as_its_other_direction) {
    const OnePacket forward = one_packet(true, syn);
    for (const std::uint16_t answer : {syn_ack, rst_ack}) {
        const OnePacket back = one_packet(false, answer);
        EXPECT_EQ(key_of(back), key_of(forward));
        EXPECT_EQ(aggregate_observation(back.seen).sender, Sender::high);
    }
    EXPECT_EQ(aggregate_observation(forward.seen).sender, Sender::low);
    const OnePacket udp = one_packet(false, syn_ack, 17);
    EXPECT_EQ(key_of(udp).high, (decode::Address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0}))
        << "nobody knows who answers";
}

TEST(Aggregate, of_a_protocol_has_no_network) {
    const FlowKey key = key_of(one_packet(true, syn), AggregateBy::protocol);
    EXPECT_EQ(key.high, decode::Address{});
    EXPECT_EQ(key.prefix_length, 0);
    EXPECT_NE(key, key_of(one_packet(true, syn, 17), AggregateBy::protocol));
}

TEST(Aggregate, differs_by_the_rate_of_its_flows) {
    const OnePacket packet = one_packet(true, syn);
    EXPECT_NE(key_of(packet, AggregateBy::network, 1), key_of(packet, AggregateBy::network, 2));
}

// An all-zero network is not the same as none.
TEST(Aggregate, of_the_network_zero_is_not_that_of_the_protocol) {
    OnePacket packet = one_packet(true, syn);
    packet.key.high = {};
    packet.key.low = {};
    EXPECT_NE(key_of(packet), key_of(packet, AggregateBy::protocol));
}

TEST(Aggregate, networks_are_cut_at_24_and_48_bits) {
    decode::Address all;
    all.fill(0xff);
    EXPECT_EQ(network_of(all, 4, 24),
              (decode::Address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0}));
    EXPECT_EQ(network_of(all, 6, 48), (decode::Address{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
    EXPECT_EQ(network_of(all, 4, 0), decode::Address{});
    EXPECT_EQ(network_of(all, 6, 0), decode::Address{});
}

TEST(Aggregate, records_tell_how_much_of_either_address_they_have) {
    FlowRecord record;
    describe_prefixes(key_of(one_packet(true, syn)), record);
    EXPECT_TRUE(record.aggregated);
    EXPECT_EQ(record.source_prefix_length, 0);
    EXPECT_EQ(record.destination_prefix_length, 24);
    describe_prefixes(one_packet(true, syn).key, record);
    EXPECT_FALSE(record.aggregated);
    EXPECT_EQ(record.source_prefix_length, 32);
    EXPECT_EQ(record.destination_prefix_length, 32);
    FlowKey ipv6;
    ipv6.ip_version = 6;
    describe_prefixes(ipv6, record);
    EXPECT_EQ(record.source_prefix_length, 128);
}

}  // namespace
}  // namespace tapmeter::flow
