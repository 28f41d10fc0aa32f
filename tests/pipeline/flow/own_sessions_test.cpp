#include "pipeline/flow/own_sessions.h"

#include <gtest/gtest.h>

#include <optional>

namespace tapmeter::flow {
namespace {

Endpoint endpoint(std::uint8_t last, std::uint16_t port) {
    Endpoint end;
    end.address[12] = 10;
    end.address[15] = last;
    end.port = port;
    return end;
}

FlowKey key_of(const Endpoint& source, const Endpoint& destination, std::uint8_t protocol,
               std::uint16_t vlan = 0, std::uint8_t ip_version = 4) {
    decode::Headers headers;
    headers.source = source.address;
    headers.destination = destination.address;
    headers.source_port = source.port;
    headers.destination_port = destination.port;
    headers.protocol = protocol;
    headers.ip_version = ip_version;
    headers.vlan = vlan;
    FlowKey key;
    write_key(headers, true, key);
    return key;
}

const Endpoint ours = endpoint(1, 40'000);
const Endpoint theirs = endpoint(2, 4'739);
constexpr std::uint8_t tcp = 6;
constexpr std::uint8_t udp = 17;

TEST(OwnSessions, nothing_is_ours_before_a_session_begins_and_after_it_is_gone) {
    const FlowKey key = key_of(ours, theirs, udp);
    EXPECT_FALSE(own_sessions.contains(key));
    {
        OwnSession session;
        EXPECT_FALSE(own_sessions.contains(key));
        session.begin(ours, theirs, udp, 4);
        EXPECT_TRUE(own_sessions.contains(key));
        OwnSession moved = std::move(session);
        EXPECT_TRUE(own_sessions.contains(key));
    }
    EXPECT_FALSE(own_sessions.contains(key));
}

TEST(OwnSessions, both_directions_on_any_vlan_and_nothing_else) {
    OwnSession session;
    session.begin(ours, theirs, tcp, 4);
    EXPECT_TRUE(own_sessions.contains(key_of(theirs, ours, tcp, 7)));
    EXPECT_FALSE(own_sessions.contains(key_of(ours, theirs, udp)));
    EXPECT_FALSE(own_sessions.contains(key_of(ours, theirs, tcp, 0, 6)));
    EXPECT_FALSE(own_sessions.contains(key_of(endpoint(3, 40'000), theirs, tcp)));
    EXPECT_FALSE(own_sessions.contains(key_of(endpoint(1, 40'001), theirs, tcp)));
    EXPECT_FALSE(own_sessions.contains(key_of(ours, endpoint(2, 4'740), tcp)));
    // The same class of ports, other ports: the look-up must not stop at the class.
    EXPECT_FALSE(own_sessions.contains(key_of(endpoint(1, 40'064), theirs, tcp)));
}

// The last packets of a session that ended come after the first ones of the next.
TEST(OwnSessions, an_output_keeps_its_session_and_the_one_before) {
    OwnSession session;
    for (std::uint16_t port = 1; port <= 300; ++port) {
        session.begin(endpoint(1, port), theirs, tcp, 4);
    }
    EXPECT_TRUE(own_sessions.contains(key_of(endpoint(1, 300), theirs, tcp)));
    EXPECT_TRUE(own_sessions.contains(key_of(endpoint(1, 299), theirs, tcp)));
    EXPECT_FALSE(own_sessions.contains(key_of(endpoint(1, 298), theirs, tcp)));
}

TEST(OwnSessions, has_room_for_two_of_each_output_and_refuses_what_is_beyond) {
    std::array<OwnSession, OwnSessions::sessions_max> sessions;
    for (std::size_t i = 0; i < sessions.size(); ++i) {
        sessions[i].begin(endpoint(1, static_cast<std::uint16_t>(1'000 + i)), theirs, udp, 4);
        EXPECT_TRUE(own_sessions.contains(
            key_of(endpoint(1, static_cast<std::uint16_t>(1'000 + i)), theirs, udp)));
    }
    OwnSession beyond;
    beyond.begin(ours, theirs, udp, 4);
    EXPECT_FALSE(own_sessions.contains(key_of(ours, theirs, udp)));
}

TEST(OwnSessions, can_be_metered_where_somebody_wants_to) {
    OwnSession session;
    session.begin(ours, theirs, udp, 4);
    own_sessions.enable(false);
    EXPECT_FALSE(own_sessions.contains(key_of(ours, theirs, udp)));
    own_sessions.enable(true);
    EXPECT_TRUE(own_sessions.contains(key_of(ours, theirs, udp)));
}

}  // namespace
}  // namespace tapmeter::flow
