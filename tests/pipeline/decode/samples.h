#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "pipeline/base/packet.h"
#include "tests/support/frames.h"

namespace tapmeter::decode {

// A sound frame of one kind.
struct Sample {
    std::string name;
    LinkType link;
    testing::FrameBuilder frame;
    std::size_t needed_octets;  // with one fewer it is truncated; all behind is payload or flags
};

// One of every way to IP and of every kind that is no IP. Needed octets are written as a sum of
// the headers on the way.
inline std::vector<Sample> ethernet_samples() {
    using B = testing::FrameBuilder;
    constexpr auto link = LinkType::ethernet;
    return {
        {"udp", link, B{}.ethernet().ipv4().udp(1000, 53).text("query"), 14 + 20 + 4},
        {"tcp", link, B{}.ethernet().ipv4({.protocol = 6}).tcp(1000, 80).text("get"), 14 + 20 + 4},
        {"ipv6_udp", link, B{}.ethernet(0x86dd).ipv6().udp(1000, 53).text("query"), 14 + 40 + 4},
        {"vlan", link, B{}.ethernet().vlan(7).ipv4().udp(1000, 53), 14 + 4 + 20 + 4},
        {"vlan_ipv6", link, B{}.ethernet(0x86dd).vlan(7).ipv6().udp(1, 2), 14 + 4 + 40 + 4},
        {"qinq", link, B{}.ethernet().qinq(100, 7).ipv4().udp(1000, 53), 14 + 8 + 20 + 4},
        {"old_qinq", link, B{}.ethernet().vlan(9, 0x9100).vlan(7).ipv4().udp(1, 2), 14 + 8 + 24},
        {"llc_snap", link, B{}.llc_snap().ipv4().udp(1000, 53), 14 + 8 + 20 + 4},
        {"llc_snap_bridged", link, B{}.llc_snap(0x86dd, 0xf8).ipv6().udp(1, 2), 14 + 8 + 40 + 4},
        {"llc_ip", link, B{}.llc(6, 6).ipv4().udp(1000, 53), 14 + 3 + 20 + 4},
        {"mpls", link, B{}.ethernet(0x8847).mpls(16, false).mpls(17).ipv4().udp(1, 2), 14 + 8 + 24},
        {"mpls_ipv6", link, B{}.ethernet(0x8848).mpls(2).ipv6().udp(1, 2), 14 + 4 + 40 + 4},
        {"pppoe", link, B{}.ethernet(0x8864).pppoe().ipv4().udp(1, 2), 14 + 8 + 20 + 4},
        {"pppoe_ipv6", link, B{}.ethernet(0x8864).pppoe(0x57).ipv6().udp(1, 2), 14 + 8 + 40 + 4},
        {"group_tag", link, B{}.ethernet(0x8909).bytes({1, 1, 0, 1, 0, 9, 8, 0}).ipv4().udp(1, 2),
         14 + 8 + 20 + 4},
        {"service_header", link, B{}.ethernet(0x894f).be32(0x0fc6'0101).fill(20).ipv4().udp(1, 2),
         14 + 24 + 20 + 4},
    };
}

inline std::vector<Sample> link_samples() {
    using B = testing::FrameBuilder;
    return {
        {"raw_ipv4", LinkType::raw_ip, B{}.ipv4().udp(1, 2), 20 + 4},
        {"raw_ipv6", LinkType::raw_ip, B{}.ipv6().udp(1, 2), 40 + 4},
        {"null_little", LinkType::null_loopback, B{}.family_little_endian(2).ipv4().udp(1, 2), 28},
        {"null_big", LinkType::null_loopback, B{}.family_big_endian(2).ipv4().udp(1, 2), 28},
        {"null_macos", LinkType::null_loopback, B{}.family_little_endian(30).ipv6().udp(1, 2), 48},
        {"loop_openbsd", LinkType::loop, B{}.family_big_endian(24).ipv6().udp(1, 2), 48},
        {"sll", LinkType::linux_sll, B{}.sll().ipv4().udp(1, 2), 16 + 20 + 4},
        {"sll_vlan", LinkType::linux_sll, B{}.sll().vlan(7).ipv4().udp(1, 2), 16 + 4 + 20 + 4},
        {"sll2_ipv6", LinkType::linux_sll2, B{}.sll2(0x86dd).ipv6().udp(1, 2), 20 + 40 + 4},
        {"ppp", LinkType::ppp, B{}.ppp().ipv4().udp(1, 2), 4 + 20 + 4},
        {"ppp_bare", LinkType::ppp, B{}.be16(0x0057).ipv6().udp(1, 2), 2 + 40 + 4},
        {"ppp_compressed", LinkType::ppp, B{}.be8(0x21).ipv4().udp(1, 2), 1 + 20 + 4},
        {"ppp_mpls", LinkType::ppp, B{}.ppp(0x0281).mpls(16).ipv4().udp(1, 2), 4 + 4 + 20 + 4},
        {"ppp_c_hdlc", LinkType::ppp, B{}.c_hdlc().ipv4().udp(1, 2), 4 + 20 + 4},
        {"c_hdlc", LinkType::c_hdlc, B{}.c_hdlc(0x86dd, 0x8f).ipv6().udp(1, 2), 4 + 40 + 4},
    };
}

inline std::vector<Sample> ip_samples() {
    using B = testing::FrameBuilder;
    constexpr auto link = LinkType::raw_ip;
    return {
        {"options", link, B{}.ipv4({.version_ihl = 0x46}).fill(4, 1).udp(1, 2), 24 + 4},
        {"first_fragment", link, B{}.ipv4({.fragment = 0x2000}).udp(1, 2).fill(8), 20 + 4},
        {"later_fragment", link, B{}.ipv4({.fragment = 0x0001}).fill(16), 20},
        {"ipv4_ah", link, B{}.ipv4({.protocol = 51}).authentication(17).udp(1, 2), 20 + 24 + 4},
        {"gre", link, B{}.ipv4({.protocol = 47}).be32(0x0800).ipv4().udp(1, 2), 20},
        {"icmp", link, B{}.ipv4({.protocol = 1}).icmp(8, 0).text("ping"), 20 + 2},
        {"icmpv6", link, B{}.ipv6({.next_header = 58}).icmp(135, 0).fill(16), 40 + 2},
        {"udp_lite", link, B{}.ipv4({.protocol = 136}).udp(1, 2).fill(4), 20 + 4},
        {"dccp", link, B{}.ipv4({.protocol = 33}).dccp(1, 2).fill(4), 20 + 4},
        {"sctp", link, B{}.ipv6({.next_header = 132}).sctp(1, 2).fill(16), 40 + 4},
        {"hop_by_hop", link, B{}.ipv6({.next_header = 0}).extension(6).tcp(1, 2), 40 + 8 + 4},
        {"chain", link,
         B{}.ipv6({.next_header = 0})
             .extension(43)
             .extension(60, 2)
             .extension(51)
             .authentication(44)
             .fragment(17, 0, true)
             .udp(1, 2),
         40 + 8 + 24 + 8 + 24 + 8 + 4},
        {"ipv6_later_fragment", link, B{}.ipv6({.next_header = 44}).fragment(17, 1, false).fill(9),
         40 + 8},
        {"mobility", link, B{}.ipv6({.next_header = 135}).extension(59, 1), 40 + 1},
        {"host_identity", link, B{}.ipv6({.next_header = 139}).extension(17).udp(1, 2), 40 + 12},
        {"shim6", link, B{}.ipv6({.next_header = 140}).extension(17).udp(1, 2), 40 + 8 + 4},
        {"no_next_header", link, B{}.ipv6({.next_header = 59}).fill(3), 40},
        {"jumbo", link,
         B{}.ipv6({.payload_octets = 0, .next_header = 0}).jumbo(17, 65'600).udp(1, 2, 0).fill(64),
         40 + 8 + 4},
    };
}

inline std::vector<Sample> non_ip_samples() {
    using B = testing::FrameBuilder;
    constexpr auto link = LinkType::ethernet;
    return {
        {"arp", link, B{}.ethernet(0x0806).fill(28), 14},
        {"vlan_arp", link, B{}.ethernet(0x0806).vlan(7).fill(28), 18},
        {"spanning_tree", link, B{}.llc(0x42, 0x42).fill(35), 17},
        {"cisco_discovery", link, B{}.llc_snap(0x2000, 0x00000c).fill(20), 22},
        {"mpls_pseudowire", link, B{}.ethernet(0x8847).mpls(16).be32(0).fill(20), 19},
        {"pppoe_lcp", link, B{}.ethernet(0x8864).pppoe(0xc021).fill(10), 22},
        {"pppoe_discovery", link, B{}.ethernet(0x8863).fill(20), 14},
        {"sll_netlink", LinkType::linux_sll, B{}.sll(0x0800, 824).ipv4().udp(1, 2), 16},
        {"c_hdlc_slarp", LinkType::c_hdlc, B{}.c_hdlc(0x8035, 0x8f).fill(14), 4},
    };
}

inline std::vector<Sample> all_samples() {
    std::vector<Sample> all;
    for (const auto& some : {ethernet_samples(), link_samples(), ip_samples(), non_ip_samples()}) {
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

}  // namespace tapmeter::decode
