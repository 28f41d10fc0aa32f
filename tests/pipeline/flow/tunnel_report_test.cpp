#include "pipeline/flow/tunnel_report.h"

#include <gtest/gtest.h>

#include "pipeline/decode/frame.h"
#include "tests/support/frames.h"

namespace tapmeter::flow {
namespace {

using decode::Encapsulation;
using testing::FrameBuilder;

struct Read {
    decode::Headers headers;
    decode::Tunnels tunnels;
};

Read read(const testing::Frame& frame) {
    Read result;
    const auto headers = decode::decode_innermost(testing::packet_of(frame), result.tunnels);
    EXPECT_TRUE(headers.has_value());
    result.headers = *headers;
    return result;
}

TEST(TunnelReport, a_plain_packet_has_nothing_around_it) {
    const Read plain = read(FrameBuilder{}.ethernet().vlan(5).ipv4({}).udp(1, 2).frame());
    EXPECT_FALSE(has_surroundings(plain.headers, plain.tunnels));
}

TEST(TunnelReport, layers_from_the_outside_in_and_the_innermost_number) {
    // VXLAN around IPv4 in IPv4.
    const auto frame = FrameBuilder{}
                           .ethernet()
                           .vlan(12)
                           .ipv4({.type_of_service = 0xb8, .source = 0xc0a8'0001})
                           .udp(5'555, 4'789)
                           .be32(0x0800'0000)
                           .be32(77U << 8U)
                           .ethernet()
                           .ipv4({.protocol = 4})
                           .ipv4({.source = 0x0101'0101})
                           .udp(1, 2)
                           .frame();
    const Read found = read(frame);
    ASSERT_TRUE(has_surroundings(found.headers, found.tunnels));
    const TunnelReport report = report_of(found.headers, found.tunnels);
    ASSERT_EQ(report.layers, 2);
    EXPECT_EQ(report.layer[0].kind, Encapsulation::vxlan);
    EXPECT_EQ(report.layer[0].id, 77);
    EXPECT_EQ(report.layer[1].kind, Encapsulation::ip_in_ip);
    EXPECT_EQ(report.innermost_id, 77) << "IP in IP has no number";
    EXPECT_EQ(report.innermost_kind, decode::index_of(Encapsulation::ip_in_ip) + 1);
    EXPECT_EQ(report.source[12], 0xc0);
    EXPECT_EQ(report.ip_version, 4);
    EXPECT_EQ(report.type_of_service, 0xb8);
    EXPECT_EQ(report.vlan, 12);
}

TEST(TunnelReport, labels_alone_are_no_tunnel_and_tell_no_outer_header) {
    const Read found =
        read(FrameBuilder{}.ethernet(0x8847).mpls(17, false).mpls(18).ipv4({}).udp(1, 2).frame());
    ASSERT_TRUE(has_surroundings(found.headers, found.tunnels));
    const TunnelReport report = report_of(found.headers, found.tunnels);
    EXPECT_EQ(report.layers, 0);
    EXPECT_EQ(report.ip_version, 0);
    EXPECT_EQ(report.innermost_kind, 0);
    EXPECT_EQ(report.mpls_labels, 2);
    EXPECT_EQ(report.mpls_stack[0], 17U << 4U);
    EXPECT_EQ(report.mpls_stack[1], 18U << 4U | 1U);
}

TEST(TunnelReport, session_of_pppoe_and_index_of_authentication) {
    const Read session = read(FrameBuilder{}.ethernet(0x8864).pppoe().ipv4({}).udp(1, 2).frame());
    EXPECT_EQ(report_of(session.headers, session.tunnels).pppoe_session,
              session.headers.pppoe_session);
    EXPECT_NE(session.headers.pppoe_session, 0);
    const Read signed_one = read(FrameBuilder{}
                                     .ethernet(0x86dd)
                                     .ipv6({.next_header = 51})
                                     .authentication(17)
                                     .udp(1, 2)
                                     .frame());
    EXPECT_EQ(report_of(signed_one.headers, signed_one.tunnels).security_index,
              signed_one.headers.security_index);
    EXPECT_TRUE(has_surroundings(signed_one.headers, signed_one.tunnels));
}

}  // namespace
}  // namespace tapmeter::flow
