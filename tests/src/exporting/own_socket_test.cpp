#include "src/exporting/own_socket.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "src/exporting/descriptor.h"
#include "src/exporting/tcp_session.h"
#include "src/exporting/udp_session.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"
#include "tests/support/tcp_listener.h"

namespace tapmeter::exporting {
namespace {

constexpr std::uint8_t tcp = 6;
constexpr std::uint8_t udp = 17;

// A packet from `source` to our `port`, as the decoder would have it.
bool is_own(const decode::Address& local, std::uint16_t local_port, std::uint16_t port,
            std::uint8_t protocol, std::uint8_t ip_version = 4) {
    decode::Headers headers;
    headers.source = local;
    headers.destination = local;  // both ends are on loopback
    headers.source_port = local_port;
    headers.destination_port = port;
    headers.protocol = protocol;
    headers.ip_version = ip_version;
    flow::FlowKey key;
    flow::write_key(headers, true, key);
    return flow::own_sessions.contains(key);
}

// Which local ports are own towards `port`; none: nothing was noted.
std::vector<std::uint16_t> own_ports(const decode::Address& local, std::uint16_t port,
                                     std::uint8_t protocol, std::uint8_t ip_version = 4) {
    std::vector<std::uint16_t> found;
    for (std::uint32_t candidate = 1'024; candidate < 65'536; ++candidate) {
        if (is_own(local, static_cast<std::uint16_t>(candidate), port, protocol, ip_version)) {
            found.push_back(static_cast<std::uint16_t>(candidate));
        }
    }
    return found;
}

const decode::Address loopback = test_support::ipv4(127, 0, 0, 1);

TEST(OwnSocket, a_datagram_comes_from_the_port_that_was_noted) {
    const test_support::UdpListener listener;
    {
        const auto session = UdpSession::open("127.0.0.1", listener.port()).value();
        EXPECT_EQ(own_ports(loopback, listener.port(), udp).size(), 1U);
        EXPECT_TRUE(own_ports(loopback, listener.port(), tcp).empty());
    }
    EXPECT_TRUE(own_ports(loopback, listener.port(), udp).empty()) << "gone with the session";
}

TEST(OwnSocket, ipv6_has_sessions_of_its_own) {
    const test_support::UdpListener listener(true);
    const auto session = UdpSession::open("::1", listener.port()).value();
    decode::Address one{};
    one[15] = 1;
    EXPECT_EQ(own_ports(one, listener.port(), udp, 6).size(), 1U);
    EXPECT_TRUE(own_ports(one, listener.port(), udp, 4).empty());
}

// The port is known before connect(), and it is the one that the other side sees.
TEST(OwnSocket, a_connection_comes_from_the_port_that_was_noted_before_it) {
    test_support::TcpListener listener;
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(listener.port());
    const auto* const address = reinterpret_cast<const sockaddr*>(&to);
    const Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
    flow::OwnSession session;
    note_own_before(session, socket.number(), address, sizeof to);
    const auto noted = own_ports(loopback, listener.port(), tcp);
    ASSERT_EQ(noted.size(), 1U);
    ASSERT_EQ(::connect(socket.number(), address, sizeof to), 0);
    sockaddr_in local{};
    socklen_t length = sizeof local;
    ::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&local), &length);
    EXPECT_EQ(ntohs(local.sin_port), noted.front());
}

TEST(OwnSocket, a_session_over_tcp_is_noted) {
    test_support::TcpListener listener;
    TcpSession session("127.0.0.1", listener.port());
    session.open(std::chrono::milliseconds{100});
    ASSERT_TRUE(listener.accept());
    EXPECT_EQ(own_ports(loopback, listener.port(), tcp).size(), 1U);
}

TEST(OwnSocket, what_has_no_address_of_ip_is_not_noted) {
    sockaddr to{};
    to.sa_family = AF_UNIX;
    flow::OwnSession session;
    note_own_before(session, -1, &to, sizeof to);
    note_own(session, -1, udp);
    EXPECT_FALSE(is_own({}, 0, 0, udp));
}

}  // namespace
}  // namespace tapmeter::exporting
