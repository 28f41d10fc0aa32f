#include "src/exporting/sflow.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/flow_records.h"
#include "tests/support/xdr_words.h"

namespace tapmeter::exporting {
namespace {

using test_support::Words;

PacketSample sample_of(std::size_t octets) {
    PacketSample sample;
    sample.packets = 10;
    sample.wire_octets = 1'514;
    sample.header_octets = static_cast<std::uint16_t>(octets);
    for (std::size_t i = 0; i < octets; ++i) {
        sample.header[i] = static_cast<std::byte>(i + 1);
    }
    return sample;
}

SflowDatagram::Agent agent() {
    return {.address = {.address = test_support::ipv4(192, 0, 2, 9), .port = 1}, .ip_version = 4};
}

TEST(SflowDatagram, says_what_the_specification_wants_of_a_packet) {
    SflowDatagram datagram(agent());
    ASSERT_TRUE(datagram.add({.index = 2, .sequence = 7},
                             {.one_in = 512, .pool = 9'000, .drops = 3}, sample_of(61)));
    Words words(datagram.finish(41, 1'234));
    EXPECT_EQ(words.next(), 5U);
    EXPECT_EQ(words.next(), 1U) << "IPv4";
    EXPECT_EQ(words.next(), 0xC000'0209U);
    EXPECT_EQ(words.next(), 0U) << "sub-agent";
    EXPECT_EQ(words.next(), 41U);
    EXPECT_EQ(words.next(), 1'234U);
    EXPECT_EQ(words.next(), 1U) << "samples";
    EXPECT_EQ(words.next(), 1U) << "flow_sample";
    EXPECT_EQ(words.next(), 32U + 8 + 16 + 64);
    EXPECT_EQ(words.next(), 7U);
    EXPECT_EQ(words.next(), 2U) << "ifIndex 2";
    EXPECT_EQ(words.next(), 512U);
    EXPECT_EQ(words.next(), 9'000U);
    EXPECT_EQ(words.next(), 3U);
    EXPECT_EQ(words.next(), 2U) << "input";
    EXPECT_EQ(words.next(), 0U) << "output: not known";
    EXPECT_EQ(words.next(), 1U) << "records";
    EXPECT_EQ(words.next(), 1U) << "sampled_header";
    EXPECT_EQ(words.next(), 16U + 64);
    EXPECT_EQ(words.next(), 1U) << "Ethernet";
    EXPECT_EQ(words.next(), 1'518U) << "with the frame check sequence";
    EXPECT_EQ(words.next(), 4U) << "which is not there";
    EXPECT_EQ(words.next(), 61U);
    const Bytes header = words.skip(61);
    EXPECT_EQ(header.front(), std::byte{1});
    EXPECT_EQ(header.back(), std::byte{61});
    EXPECT_TRUE(words.done());
}

TEST(SflowDatagram, tells_the_outermost_tag) {
    for (const unsigned type : {0x8100U, 0x88A8U, 0x9100U, 0x0800U}) {
        PacketSample sample = sample_of(64);
        sample.header[12] = static_cast<std::byte>(type >> 8U);
        sample.header[13] = static_cast<std::byte>(type & 0xFFU);
        sample.header[14] = std::byte{0xB1};  // priority 5, drop eligible, 0x1..
        sample.header[15] = std::byte{0x23};
        SflowDatagram datagram(agent());
        ASSERT_TRUE(datagram.add({.index = 1, .sequence = 1}, {}, sample));
        Words words(datagram.finish(1, 1));
        words.skip(7 * 4 + 4);
        const bool tagged = type != 0x0800U;
        EXPECT_EQ(words.next(), 32U + 8 + 16 + 64 + (tagged ? 24 : 0));
        words.skip(7 * 4);
        EXPECT_EQ(words.next(), tagged ? 2U : 1U);
        words.skip(8 + 16 + 64);
        if (tagged) {
            EXPECT_EQ(words.next(), 1'001U) << "extended_switch";
            EXPECT_EQ(words.next(), 16U);
            EXPECT_EQ(words.next(), 0x123U);
            EXPECT_EQ(words.next(), 5U);
            words.expect(2, 0);
        }
        EXPECT_TRUE(words.done());
    }
}

// A tag needs 16 octets, and a link that has any.
TEST(SflowDatagram, tells_no_tag_that_is_not_there) {
    PacketSample cut = sample_of(15);
    PacketSample whole = sample_of(16);
    PacketSample raw = sample_of(64);
    raw.link = LinkType::raw_ip;
    for (PacketSample* const sample : {&cut, &whole, &raw}) {
        sample->header[12] = std::byte{0x81};
        sample->header[13] = std::byte{0x00};
        SflowDatagram datagram(agent());
        ASSERT_TRUE(datagram.add({.index = 1, .sequence = 1}, {}, *sample));
        Words words(datagram.finish(1, 1));
        words.skip(7 * 4 + 4 + 4 + 7 * 4);
        EXPECT_EQ(words.next(), sample == &whole ? 2U : 1U);
    }
}

TEST(SflowDatagram, says_what_the_specification_wants_of_an_interface) {
    SflowDatagram::Agent six = agent();
    six.ip_version = 6;
    six.address.address = test_support::icmpv6_record().source;
    SflowDatagram datagram(six);
    MeteringTotals totals;
    totals.received_packets = (std::uint64_t{1} << 32U) + 5;
    totals.received_octets = std::uint64_t{1} << 40U;
    totals.discarded_packets = 6;
    totals.error_packets = 7;
    totals.link_speed_bits = 100'000'000'000;
    ASSERT_TRUE(datagram.add({.index = 1, .sequence = 3}, totals));
    Words words(datagram.finish(1, 2));
    EXPECT_EQ(words.next(), 5U);
    EXPECT_EQ(words.next(), 2U) << "IPv6";
    const Bytes address = words.skip(16);
    EXPECT_TRUE(std::ranges::equal(address, std::as_bytes(std::span{six.address.address})));
    words.skip(16);
    EXPECT_EQ(words.next(), 2U) << "counters_sample";
    EXPECT_EQ(words.next(), 12U + 8 + 88 + 8 + 52);
    EXPECT_EQ(words.next(), 3U);
    EXPECT_EQ(words.next(), 1U);
    EXPECT_EQ(words.next(), 2U) << "records";
    EXPECT_EQ(words.next(), 1U) << "if_counters";
    EXPECT_EQ(words.next(), 88U);
    EXPECT_EQ(words.next(), 1U);
    EXPECT_EQ(words.next(), 6U);
    EXPECT_EQ(words.wide(), 100'000'000'000U);
    EXPECT_EQ(words.next(), 3U) << "in";
    EXPECT_EQ(words.next(), 3U) << "up and up";
    EXPECT_EQ(words.wide(), totals.received_octets + 4 * totals.received_packets);
    EXPECT_EQ(words.next(), 5U) << "32 bits of it";
    words.expect(2, 0xFFFF'FFFF);
    EXPECT_EQ(words.next(), 6U);
    EXPECT_EQ(words.next(), 7U);
    words.expect(8, 0xFFFF'FFFF);
    EXPECT_EQ(words.next(), 1U) << "promiscuous";
    EXPECT_EQ(words.next(), 2U) << "ethernet_counters";
    EXPECT_EQ(words.next(), 52U);
    words.expect(13, 0xFFFF'FFFF);
    EXPECT_TRUE(words.done());
}

TEST(SflowDatagram, tells_a_link_that_is_down) {
    SflowDatagram datagram(agent());
    MeteringTotals totals;
    totals.link_up = false;
    totals.promiscuous = false;
    ASSERT_TRUE(datagram.add({.index = 1, .sequence = 3}, totals));
    Words words(datagram.finish(1, 2));
    words.skip(7 * 4 + 5 * 4 + 8 + 4 * 5);
    EXPECT_EQ(words.next(), 1U) << "up and down";
    words.skip(4 * 15);
    EXPECT_EQ(words.next(), 2U) << "not promiscuous";
}

TEST(SflowDatagram, is_never_longer_than_its_limit_and_begins_anew) {
    SflowDatagram datagram(agent());
    for (int round = 0; round < 3; ++round) {
        std::size_t samples = 0;
        while (datagram.add({1, 1}, {}, sample_of(128))) {
            ++samples;
        }
        EXPECT_EQ(samples, 7U);
        EXPECT_LE(datagram.finish(1, 1).size(), sflow_datagram_octets_max);
        EXPECT_FALSE(datagram.empty());
        datagram.begin();
        EXPECT_TRUE(datagram.empty());
    }
}

TEST(SflowDatagram, has_words_for_some_links_only) {
    PacketSample sample = sample_of(20);
    EXPECT_TRUE(is_expressible_in_sflow(sample));
    for (const LinkType link : {LinkType::raw_ip, LinkType::ppp}) {
        sample.link = link;
        EXPECT_TRUE(is_expressible_in_sflow(sample));
    }
    for (const LinkType link :
         {LinkType::linux_sll, LinkType::null_loopback, LinkType::unknown, LinkType::c_hdlc}) {
        sample.link = link;
        EXPECT_FALSE(is_expressible_in_sflow(sample));
    }
}

}  // namespace
}  // namespace tapmeter::exporting
