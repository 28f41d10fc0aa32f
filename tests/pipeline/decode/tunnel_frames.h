#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/decode/frame.h"
#include "tests/support/frames.h"

namespace tapmeter::decode {

// An outer IPv4 packet of raw IP (host 1 to host 2) up to where a tunnel's header begins.
inline testing::FrameBuilder outer(std::uint8_t protocol) {
    return testing::FrameBuilder{}.ipv4({.protocol = protocol});
}
inline testing::FrameBuilder outer_udp(std::uint16_t port) {
    return outer(17).udp(40'000, port);
}

// What a tunnel carries: a datagram of hosts 9 and 8, ports 7 and 53.
inline testing::FrameBuilder& inner_ipv4(testing::FrameBuilder& frame) {
    return frame.ipv4({.source = 9, .destination = 8}).udp(7, 53).text("query");
}
inline testing::FrameBuilder& inner_ipv6(testing::FrameBuilder& frame) {
    return frame.ipv6({.source = 9, .destination = 8}).udp(7, 53).text("query");
}
inline testing::FrameBuilder& inner_ethernet(testing::FrameBuilder& frame) {
    return inner_ipv4(frame.ethernet());
}

inline testing::FrameBuilder& vxlan(testing::FrameBuilder& frame, std::uint32_t id) {
    return frame.be32(0x0800'0000).be32(id << 8U);
}

struct Walked {
    Decoded<Headers> headers = malformed(Undecoded::truncated);
    Tunnels tunnels{};

    bool is_inside() const {
        return headers && tunnels.layers != 0 && headers->source[15] == 9 &&
               headers->destination[15] == 8 && headers->source_port == 7 &&
               headers->destination_port == 53;
    }
    bool is_outside() const { return headers && tunnels.layers == 0 && headers->source[15] == 1; }
};

inline Walked walk(const testing::FrameBuilder& builder, LinkType link = LinkType::raw_ip,
                   std::size_t wire_octets = 0) {
    const testing::Frame frame = builder.frame();
    Walked walked;
    walked.headers = decode_innermost(testing::packet_of(frame, link, wire_octets), walked.tunnels);
    return walked;
}

// One frame of every tunnel, the innermost of which is_inside().
struct TunnelSample {
    std::string name;
    testing::FrameBuilder frame;
    Encapsulation kind;
    std::uint32_t id;
};

inline std::vector<TunnelSample> gre_samples() {
    using E = Encapsulation;
    std::vector<TunnelSample> all;
    const auto add = [&all](std::string name, auto frame, E kind, std::uint32_t id = 0) {
        all.push_back({std::move(name), frame, kind, id});
    };
    auto gre = [](std::uint16_t flags, std::uint16_t type) {
        return outer(47).be16(flags).be16(type);
    };
    auto frame = gre(0, 0x0800);
    add("gre", inner_ipv4(frame), E::gre);
    frame = gre(0, 0x86dd);
    add("gre_ipv6", inner_ipv6(frame), E::gre);
    frame = gre(0xb000, 0x0800).be32(0).be32(77).be32(5);
    add("gre_all_fields", inner_ipv4(frame), E::gre, 77);
    frame = gre(0, 0x8847).mpls(16);
    add("gre_mpls", inner_ipv4(frame), E::gre);
    frame = gre(0, 0x883e).be32(0x0000'0001);
    add("gre_wccp2", inner_ipv4(frame), E::gre);
    frame = gre(0x2000, 0x6558).be32(0x0012'3456 << 8U);
    add("nvgre", inner_ethernet(frame), E::nvgre, 0x12'3456);
    frame = gre(0, 0x88be);
    add("erspan1", inner_ethernet(frame), E::erspan_1);
    frame = gre(0x1000, 0x88be).be32(3).be32(0x1000'0123).be32(0);
    add("erspan2", inner_ethernet(frame), E::erspan_2, 0x123);
    frame = gre(0x1000, 0x22eb).be32(4).be32(0x2000'0321).be32(0).be32(0x0000'0001).fill(8);
    add("erspan3_subheader", inner_ethernet(frame), E::erspan_3, 0x321);
    frame = gre(0x1000, 0x22eb).be32(4).be32(0x2000'0321).be32(0).be32(2U << 10U);
    add("erspan3_ip", inner_ipv4(frame), E::erspan_3, 0x321);
    frame = gre(0x3081, 0x880b).be16(37).be16(99).be32(1).be32(1).be16(0xff03).be16(0x0021);
    add("pptp", inner_ipv4(frame), E::pptp, 99);
    return all;
}

inline std::vector<TunnelSample> udp_tunnel_samples() {
    using E = Encapsulation;
    std::vector<TunnelSample> all;
    const auto add = [&all](std::string name, auto frame, E kind, std::uint32_t id = 0) {
        all.push_back({std::move(name), frame, kind, id});
    };
    auto frame = outer_udp(4789);
    add("vxlan", inner_ethernet(vxlan(frame, 77)), E::vxlan, 77);
    frame = outer_udp(8472);
    add("vxlan_linux", inner_ethernet(vxlan(frame, 78)), E::vxlan, 78);
    frame = outer_udp(4790).be32(0x0c00'0001).be32(79U << 8U);
    add("gpe_ipv4", inner_ipv4(frame), E::vxlan_gpe, 79);
    frame = outer_udp(4790).be32(0x0c00'0004).be32(79U << 8U).be32(0x0fc2'0203).be32(0);
    add("gpe_nsh", inner_ethernet(frame), E::vxlan_gpe, 79);
    frame = outer_udp(6081).be32(0x0000'6558).be32(80U << 8U);
    add("geneve", inner_ethernet(frame), E::geneve, 80);
    frame = outer_udp(6081).be32(0x0200'86dd).be32(80U << 8U).fill(8);
    add("geneve_options", inner_ipv6(frame), E::geneve, 80);
    frame = outer_udp(4341).be32(0x0800'0000).be32(81U << 8U);
    add("lisp", inner_ipv4(frame), E::lisp, 81);
    frame = outer_udp(4342).be32(0x8000'0000);
    add("lisp_control", inner_ipv4(frame), E::lisp);
    frame = outer_udp(3544);
    add("teredo", inner_ipv6(frame), E::teredo);
    frame = outer_udp(3544).bytes({0, 1, 2, 1}).fill(3).fill(9).fill(8);
    add("teredo_authentication_origin", inner_ipv6(frame), E::teredo);
    frame = outer_udp(2152).bytes({0x30, 255}).be16(33).be32(82);
    add("gtp_u", inner_ipv4(frame), E::gtp_u, 82);
    frame = outer_udp(2152).bytes({0x34, 255}).be16(45).be32(82).bytes({0, 0, 0, 0x85});
    add("gtp_u_extensions", inner_ipv4(frame.bytes({1, 0, 0, 0x40, 1, 0, 0, 0})), E::gtp_u, 82);
    frame = outer_udp(1701).be16(0x0002).be16(3).be16(4).be16(0xff03).be16(0x0021);
    add("l2tp2", inner_ipv4(frame), E::l2tp_2, 0x0003'0004);
    frame = outer_udp(1701).be16(0x4a02).be16(0).be32(5).be32(0).be16(2).fill(2).be16(0x0057);
    add("l2tp2_all_fields", inner_ipv6(frame), E::l2tp_2, 5);
    frame = outer_udp(1701).be16(0x0003).be16(0).be32(6);
    add("l2tp3_udp", inner_ethernet(frame), E::l2tp_3, 6);
    frame = outer_udp(4754).be32(0x0800);
    add("gre_in_udp", inner_ipv4(frame), E::gre_in_udp);
    frame = outer_udp(6635).mpls(16);
    add("mpls_in_udp", inner_ipv4(frame), E::mpls_in_udp);
    return all;
}

inline std::vector<TunnelSample> ip_tunnel_samples() {
    using E = Encapsulation;
    std::vector<TunnelSample> all;
    const auto add = [&all](std::string name, auto frame, E kind, std::uint32_t id = 0) {
        all.push_back({std::move(name), frame, kind, id});
    };
    auto frame = outer(4);
    add("ip_in_ip", inner_ipv4(frame), E::ip_in_ip);
    frame = outer(41);
    add("ipv6_in_ip", inner_ipv6(frame), E::ipv6_in_ip);
    frame = outer(97).be16(0x3000);
    add("ether_ip", inner_ethernet(frame), E::ether_ip);
    frame = outer(137).mpls(16);
    add("mpls_in_ip", inner_ipv4(frame), E::mpls_in_ip);
    frame = outer(143);
    add("ethernet_in_ip", inner_ethernet(frame), E::ethernet_in_ip);
    for (const std::size_t place : {0, 4, 8, 12}) {
        frame = outer(115).be32(7).fill(place, 0xee);
        add("l2tp3_at_" + std::to_string(place), inner_ethernet(frame), E::l2tp_3, 7);
    }
    frame = outer(51).authentication(4);
    add("ah_ip_in_ip", inner_ipv4(frame), E::ip_in_ip);
    return all;
}

inline std::vector<TunnelSample> tunnel_samples() {
    std::vector<TunnelSample> all;
    for (const auto& some : {gre_samples(), udp_tunnel_samples(), ip_tunnel_samples()}) {
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

}  // namespace tapmeter::decode
