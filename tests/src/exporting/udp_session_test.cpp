#include "src/exporting/udp_session.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>

#include "tests/support/collector.h"
#include "tests/support/own_network.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test_support::OwnNetwork;
using test_support::UdpListener;

std::uint16_t closed_port() {
    return UdpListener().port();
}

TEST(UdpSession, brings_messages_by_ipv4_ipv6_and_name) {
    for (const auto& [host, ipv6] :
         {std::pair{"127.0.0.1", false}, std::pair{"::1", true}, std::pair{"localhost", false}}) {
        UdpListener listener(ipv6);
        auto session = UdpSession::open(host, listener.port());
        ASSERT_TRUE(session) << session.error().message;
        if (std::string_view{host} == "localhost" && session->peer().front() == '[') {
            continue;  // this machine names ::1 first, and the listener has only 127.0.0.1
        }
        const std::array<std::byte, 600> octets{};
        const std::array messages{Bytes{octets}, Bytes{octets}.first(7)};
        const auto sent = session->send(messages);
        EXPECT_EQ(sent.messages, 2U);
        EXPECT_EQ(sent.error, 0);
        EXPECT_EQ(listener.receive(seconds{10}).value().size(), 600U);
        EXPECT_EQ(listener.receive(seconds{10}).value().size(), 7U);
    }
}

TEST(UdpSession, says_who_it_speaks_to) {
    EXPECT_EQ(UdpSession::open("127.0.0.1", 4739).value().peer(), "127.0.0.1:4739");
    EXPECT_EQ(UdpSession::open("::1", 4739).value().peer(), "[::1]:4739");
}

TEST(UdpSession, a_name_that_means_nothing_is_named) {
    const auto session = UdpSession::open("no such host", 4739);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().kind, Error::Kind::invalid_config);
    EXPECT_NE(session.error().message.find("'no such host'"), std::string::npos);
}

// What ICMP says about one message arrives with or after the next, and is never lost in a batch.
TEST(UdpSession, a_closed_port_is_heard_of) {
    auto session = UdpSession::open("127.0.0.1", closed_port()).value();
    const std::array<std::byte, 100> octets{};
    const std::array messages{Bytes{octets}, Bytes{octets}, Bytes{octets}};
    const auto sent = session.send(messages);
    EXPECT_EQ(sent.error, ECONNREFUSED);
    EXPECT_EQ(sent.messages, 1U);

    session.wait_error(milliseconds{0});
    EXPECT_EQ(session.send(std::span{messages}.first(1)).error, 0);
    EXPECT_EQ(session.wait_error(seconds{10}), ECONNREFUSED);
    EXPECT_EQ(session.wait_error(milliseconds{0}), 0) << "told once";
}

TEST(UdpSession, knows_what_the_path_carries) {
    UdpListener listener;
    EXPECT_EQ(UdpSession::open("127.0.0.1", listener.port()).value().path_octets(), 65'507U)
        << "IPv4 ends at 65,535, of which 28 are headers";
    EXPECT_EQ(UdpSession::open("::1", listener.port()).value().path_octets(), 65'488U);
}

TEST(UdpSession, too_long_a_message_is_refused_unless_it_may_go_in_pieces) {
    OwnNetwork network;
    if (!network.ready()) {
        GTEST_SKIP() << network.why_not();
    }
    network.set_loopback_mtu(1'000);
    UdpListener listener;
    auto session = UdpSession::open("127.0.0.1", listener.port()).value();
    EXPECT_EQ(session.path_octets(), 972U);
    const std::array<std::byte, 1'420> octets{};
    const std::array message{Bytes{octets}};

    session.allow_fragments(false);
    EXPECT_EQ(session.send(message).error, EMSGSIZE);
    const std::array fits{Bytes{octets}.first(972)};
    EXPECT_EQ(session.send(fits).error, 0);
    session.allow_fragments(true);
    EXPECT_EQ(session.send(message).error, 0);
    EXPECT_EQ(listener.receive(seconds{10}).value().size(), 972U);
    EXPECT_EQ(listener.receive(seconds{10}).value().size(), 1'420U);
}

}  // namespace
}  // namespace tapmeter::exporting
