#include "src/filters/compile.h"

#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <array>
#include <random>

#include "tests/support/frames.h"

namespace tapmeter::filters {
namespace {

using testing::FrameBuilder;
using testing::packet_of;

FrameBuilder& udp(FrameBuilder& frame) {
    return frame.ipv4().udp(1'000, 53).fill(10);
}

bool takes(const std::string& expression, const testing::Frame& frame, Tags tags = Tags::through,
           LinkType link = LinkType::ethernet) {
    const auto filter = compile(expression, tags);
    EXPECT_TRUE(filter) << filter.error();
    return filter && (*filter)->accepts(packet_of(frame, link));
}

// The three frames of a SPAN port: untagged, tagged, twice tagged.
class Span : public ::testing::Test {
    FrameBuilder a_;  // in front of the frames that are made of them
    FrameBuilder b_;
    FrameBuilder c_;

protected:
    testing::Frame plain_ = udp(a_.ethernet()).frame();
    testing::Frame tagged_ = udp(b_.ethernet().vlan(100)).frame();
    testing::Frame twice_ = udp(c_.ethernet().qinq(200, 100)).frame();

    std::string found(const std::string& expression, Tags tags = Tags::through) const {
        std::string all;
        for (const auto* frame : {&plain_, &tagged_, &twice_}) {
            all += takes(expression, *frame, tags) ? '1' : '0';
        }
        return all;
    }
};

TEST_F(Span, is_looked_through) {
    EXPECT_EQ(found(""), "111");
    EXPECT_EQ(found("udp"), "111");
    EXPECT_EQ(found("udp port 53 and host 10.0.0.1"), "111");
    EXPECT_EQ(found("not udp"), "000");
    EXPECT_EQ(found("tcp or arp"), "000");
    EXPECT_EQ(found("ip[8] = 64"), "111");
    EXPECT_EQ(found("ether dst 02:02:02:02:02:02"), "111");
}

TEST_F(Span, length_is_that_of_the_frame) {
    const std::string octets = std::to_string(plain_.size());
    EXPECT_EQ(found("len = " + octets), "100");
    EXPECT_EQ(found("greater " + octets), "111");
    EXPECT_EQ(found("less " + octets), "100");
}

TEST_F(Span, an_expression_that_speaks_of_tags_means_the_frame_as_it_stands) {
    EXPECT_EQ(found("vlan"), "011");
    EXPECT_EQ(found("vlan 100"), "010");
    EXPECT_EQ(found("vlan 100 and udp"), "010");
    EXPECT_EQ(found("vlan and vlan 100"), "001");
    EXPECT_EQ(found("not vlan"), "100");
    EXPECT_EQ(found("udp or (vlan and (udp or (vlan and udp)))"), "111");
    EXPECT_EQ(found("ether proto 0x88a8"), "001");
    EXPECT_EQ(found("port 33024"), "000");  // 0x8100, but a port
}

TEST_F(Span, is_taken_as_tcpdump_does_where_told_so) {
    EXPECT_EQ(found("udp", Tags::raw), "100");
    EXPECT_EQ(found("not udp", Tags::raw), "011");
}

TEST(Labels, are_looked_through) {
    FrameBuilder builder;
    const auto frame = udp(builder.ethernet(0x8847).mpls(16, false).mpls(17)).frame();
    EXPECT_TRUE(takes("udp", frame));
    EXPECT_FALSE(takes("tcp", frame));
    EXPECT_TRUE(takes("mpls 16", frame));
    EXPECT_FALSE(takes("mpls 17", frame));
}

TEST(Labels, are_meant_where_they_are_spoken_of_in_whatever_way) {
    FrameBuilder one;
    const auto frame = udp(one.ethernet(0x8847).mpls(16)).frame();
    for (const auto* const yes :
         {"mpls", "mpls and udp", "ether proto 0x8847", "udp or mpls", "ether[12:2] = 0x8847"}) {
        EXPECT_TRUE(takes(yes, frame)) << yes;
    }
    for (const auto* const no : {"not mpls", "vlan or ether[12:2] = 0x0800", "mpls and tcp",
                                 "ether[12:2] != 0x8847", "ip and mpls"}) {
        EXPECT_FALSE(takes(no, frame)) << no;
    }
    EXPECT_TRUE(takes("ether[12:2] = 0x0800", frame)) << "which names no tag";
    EXPECT_FALSE(takes("udp port 34887", frame)) << "a port that is a tag's number";
}

TEST(LinkLayers, have_programs_of_their_own) {
    FrameBuilder raw;
    EXPECT_TRUE(takes("udp", udp(raw).frame(), Tags::through, LinkType::raw_ip));
    FrameBuilder cooked;
    EXPECT_TRUE(takes("udp", udp(cooked.sll()).frame(), Tags::through, LinkType::linux_sll));
    FrameBuilder cooked2;
    EXPECT_TRUE(takes("udp", udp(cooked2.sll2()).frame(), Tags::through, LinkType::linux_sll2));
    FrameBuilder ppp;
    EXPECT_TRUE(takes("udp", udp(ppp.ppp()).frame(), Tags::through, LinkType::ppp));
    FrameBuilder hdlc;
    EXPECT_TRUE(takes("udp", udp(hdlc.c_hdlc()).frame(), Tags::through, LinkType::c_hdlc));
    // Of raw IP nothing can be said about Ethernet: no packet matches, and the others still do.
    FrameBuilder bare;
    EXPECT_FALSE(
        takes("ether host 02:02:02:02:02:02", udp(bare).frame(), Tags::through, LinkType::raw_ip));
}

TEST(Mistakes, are_told_with_libpcaps_words) {
    for (const auto* const wrong :
         {"udp prot 53", "port", "port 65536", "(tcp", "host 1.2.3.4.5.6", "ip[", "tcp and"}) {
        const auto made = compile(wrong, Tags::through);
        ASSERT_FALSE(made) << wrong;
        EXPECT_NE(made.error().find("pcap-filter(7)"), std::string::npos);
        EXPECT_NE(made.error().find("libpcap says: "), std::string::npos);
    }
    // Its program loops, and ours never do.
    EXPECT_NE(compile("ip6 protochain 6", Tags::through).error().find("protochain"),
              std::string::npos);
    EXPECT_FALSE(compile(std::string(expression_octets_max + 1, ' '), Tags::through));
    EXPECT_TRUE(compile(std::string(expression_octets_max, ' '), Tags::through));
}

// libpcap's own machine gives the same answer, for frames of every kind and of no kind, whole and
// cut anywhere.
class AsLibpcap : public ::testing::TestWithParam<const char*> {
protected:
    AsLibpcap() : handle_(::pcap_open_dead(DLT_EN10MB, 262'144)) {
        EXPECT_EQ(::pcap_compile(handle_, &program_, GetParam(), 1, PCAP_NETMASK_UNKNOWN), 0);
    }
    ~AsLibpcap() override {
        ::pcap_freecode(&program_);
        ::pcap_close(handle_);
    }
    bool theirs(const testing::Frame& frame, std::uint32_t wire_octets) const {
        ::pcap_pkthdr header{};
        header.caplen = static_cast<bpf_u_int32>(frame.size());
        header.len = wire_octets;
        // NOLINTNEXTLINE(*-reinterpret-cast): libpcap's octets are unsigned char
        const auto* const octets = reinterpret_cast<const u_char*>(frame.data());
        return ::pcap_offline_filter(&program_, &header, octets) != 0;
    }

private:
    ::pcap_t* handle_;
    ::bpf_program program_{};
};

testing::Frame some_frame(std::mt19937& random) {
    FrameBuilder frame;
    frame.ethernet(random() % 4 == 0 ? 0x86dd : 0x0800);
    const auto protocol = std::array<std::uint8_t, 5>{1, 6, 17, 47, 132}[random() % 5];
    frame.ipv4({.version_ihl = static_cast<std::uint8_t>(random() % 3 == 0 ? 0x46 : 0x45),
                .fragment = static_cast<std::uint16_t>(random() % 8 == 0 ? random() : 0),
                .protocol = protocol,
                .source = 0x0a00'0000U + static_cast<std::uint32_t>(random() % 3)});
    frame.udp(static_cast<std::uint16_t>(random() % 100), 53).fill(random() % 80);
    testing::Frame octets = frame.frame();
    for (std::size_t change = random() % 4; change > 0; --change) {
        octets[random() % octets.size()] = static_cast<std::byte>(random());
    }
    octets.resize(random() % 3 == 0 ? random() % octets.size() : octets.size());
    return octets;
}

TEST_P(AsLibpcap, for_any_frame) {
    const auto filter = compile(GetParam(), Tags::raw);
    ASSERT_TRUE(filter);
    std::mt19937 random(11);
    unsigned accepted = 0;
    for (unsigned turn = 0; turn < 20'000; ++turn) {
        const testing::Frame frame = some_frame(random);
        const auto wire_octets = static_cast<std::uint32_t>(frame.size() + random() % 100);
        const bool ours = (*filter)->accepts(packet_of(frame, LinkType::ethernet, wire_octets));
        ASSERT_EQ(ours, theirs(frame, wire_octets)) << turn;
        accepted += ours ? 1U : 0U;
    }
    EXPECT_GT(accepted, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    All, AsLibpcap,
    ::testing::Values("", "ip", "ip6", "not ip", "tcp", "udp", "udp port 53", "host 10.0.0.1",
                      "not host 10.0.0.1", "src net 10.0.0.0/30 and less 90", "portrange 10-60",
                      "icmp[icmptype] = 0 or icmp", "ip[6:2] & 0x1fff != 0", "ip[8] <= 64",
                      "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "ip proto 47",
                      "ip6 or udp[4:2] > 30", "len % 7 = 3", "ip[2:2] - ((ip[0] & 0xf) << 2) > 30",
                      "greater 60", "(ip[0] / 16) * 4 = 16", "ip[ip[0] & 0xf] != 0",
                      "ether multicast", "ip multicast or ether[6:4] = 0x02020202",
                      "sctp or ether[12:2] > 0x0800"));

}  // namespace
}  // namespace tapmeter::filters
