#include "pipeline/flow/flow_key.h"

#include <gtest/gtest.h>

#include "tests/support/flows.h"

namespace tapmeter::flow {
namespace {

using testing::key_of;

decode::Headers headers() {
    decode::Headers h;
    h.ip_version = 4;
    h.protocol = 6;
    h.source[12] = 10;
    h.source[15] = 2;
    h.destination[12] = 10;
    h.destination[15] = 1;
    h.source_port = 40'000;
    h.destination_port = 443;
    h.vlan = 7;
    h.customer_vlan = 9;
    return h;
}

decode::Headers reversed(decode::Headers h) {
    std::swap(h.source, h.destination);
    std::swap(h.source_port, h.destination_port);
    return h;
}

TEST(FlowKey, both_directions_share_one_key_and_differ_in_the_sender) {
    const auto forward = key_of(headers(), true);
    const auto reverse = key_of(reversed(headers()), true);
    EXPECT_EQ(forward.key, reverse.key);
    EXPECT_EQ(forward.sender, Sender::high) << "10.0.0.2 is the higher address";
    EXPECT_EQ(reverse.sender, Sender::low);
}

TEST(FlowKey, addresses_order_as_octets_not_as_machine_words) {
    auto h = headers();
    h.source = {};
    h.destination = {};
    h.source[0] = 1;        // 0100::
    h.destination[15] = 2;  // ::2 is lower although its last octet is higher
    EXPECT_EQ(key_of(h, true).sender, Sender::high);
    h = headers();
    h.source[14] = 1;  // 10.0.1.2 > 10.0.0.1
    EXPECT_EQ(key_of(h, true).sender, Sender::high);
}

TEST(FlowKey, equal_addresses_are_ordered_by_port) {
    auto h = headers();
    h.source = h.destination;
    EXPECT_EQ(key_of(h, true).sender, Sender::high);
    EXPECT_EQ(key_of(reversed(h), true).sender, Sender::low);
    EXPECT_EQ(key_of(h, true).key, key_of(reversed(h), true).key);
    h.destination_port = h.source_port;
    EXPECT_EQ(key_of(h, true).sender, Sender::low) << "a host that talks to itself has one side";
}

TEST(FlowKey, every_field_makes_another_flow) {
    const FlowKey key = key_of(headers(), true).key;
    const auto differs = [&key](auto change) {
        auto h = headers();
        change(h);
        return !(key_of(h, true).key == key);
    };
    EXPECT_TRUE(differs([](auto& h) { h.source[15] = 3; }));
    EXPECT_TRUE(differs([](auto& h) { h.destination[0] = 1; }));
    EXPECT_TRUE(differs([](auto& h) { h.source_port = 1; }));
    EXPECT_TRUE(differs([](auto& h) { h.destination_port = 1; }));
    EXPECT_TRUE(differs([](auto& h) { h.vlan = 8; }));
    EXPECT_TRUE(differs([](auto& h) { h.customer_vlan = 8; }));
    EXPECT_TRUE(differs([](auto& h) { h.protocol = 17; }));
    EXPECT_TRUE(differs([](auto& h) { h.ip_version = 6; }));
    EXPECT_FALSE(differs([](auto& h) { h.time_to_live = 9; }));
}

TEST(FlowKey, without_vlan_in_the_key_tags_do_not_part_a_flow) {
    auto h = headers();
    h.vlan = 100;
    EXPECT_EQ(key_of(h, false).key, key_of(headers(), false).key);
}

}  // namespace
}  // namespace tapmeter::flow
