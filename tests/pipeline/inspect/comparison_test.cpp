#include "pipeline/inspect/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/pipeline/inspect/content_flow.h"

namespace tapmeter::inspect {
namespace {

namespace frames = tapmeter::testing;
using frames::Frame;
using frames::segment;
using testing::ContentFlow;
using testing::Sids;
using Wants = ContentReader::Wants;

TEST(Comparison, compares_packets_streams_and_parts_of_messages) {
    ContentFlow flow(
        "alert tcp any any -> any 80 (flow:established,to_server; content:\"index\"; sid:1;)\n"
        "alert http any any -> any any (http.host; content:\"example.org\"; endswith; sid:2;)\n"
        "alert http any any -> any any (http.stat_code; content:\"200\"; sid:3;)\n"
        "alert tcp any any -> any any (flags:S; sid:4;)\n"
        "alert http any any -> any any (http.host; content:\"elsewhere\"; sid:5;)\n");
    flow.read_all(frames::http_conversation());
    EXPECT_EQ(flow.sids(), (Sids{4, 1, 2, 3}));
    flow.finish();
    const Metadata& metadata = flow.reader().metadata_at(flow.reader().detach(ContentFlow::state));
    EXPECT_EQ(metadata.signatures.sids_count, 4U);
    EXPECT_EQ(metadata.signatures.matches, 4U);
    EXPECT_EQ(metadata.signatures.sids[0], 4U);
}

TEST(Comparison, finds_what_two_segments_share) {
    ContentFlow flow(
        "alert tcp any any -> any any (flow:established; content:\"needle\"; sid:1;)\n");
    flow.read_all({segment(true, 0x02), segment(false, 0x12), segment(true, 0x10),
                   segment(true, 0x18, "a nee")});
    EXPECT_EQ(flow.sids(), Sids{});
    flow.read(segment(true, 0x18, "dle", 80, 40'000, 5));
    EXPECT_EQ(flow.sids(), Sids{1});
}

TEST(Comparison, looks_at_what_waited_when_the_flow_leaves) {
    ContentFlow flow(
        "alert tcp any any -> any any (flow:established; content:\"needle\"; sid:1;)\n");
    flow.read_all({segment(true, 0x02), segment(false, 0x12), segment(true, 0x10),
                   segment(true, 0x18, "needle", 80, 40'000, 100)});
    EXPECT_EQ(flow.sids(), Sids{}) << "octets before it are missing";
    flow.finish();
    EXPECT_EQ(flow.sids(), Sids{1});
}

TEST(Comparison, a_stream_is_compared_as_far_as_it_is_inspected) {
    ContentFlow flow("alert tcp any any -> any any (content:\"needle\"; sid:1;)\n", 256);
    flow.read_all({segment(true, 0x02), segment(false, 0x12), segment(true, 0x10)});
    const std::string first(256, '.');
    EXPECT_EQ(flow.read(segment(true, 0x18, first)), Wants::signatures) << "the server may speak";
    flow.read(segment(true, 0x18, "needle", 80, 40'000, 256));
    EXPECT_EQ(flow.sids(), Sids{}) << "behind the inspected part";
    EXPECT_NE(flow.read(segment(false, 0x18, first)), Wants::signatures);
}

TEST(Comparison, a_flow_without_cycles_is_not_compared_any_more) {
    ContentFlow flow("alert tcp any any -> any any (content:\"example\"; sid:1;)\n");
    const auto frames = frames::http_conversation();
    flow.read(frames[0]);
    flow.read(frames[1], false);
    flow.read(frames[2]);
    flow.read(frames[3]);
    EXPECT_EQ(flow.sids(), Sids{});
    EXPECT_EQ(flow.books().flows_shed, 1U);
    ASSERT_NE(flow.reader().metadata(ContentFlow::state), nullptr) << "facts cost little";
}

TEST(Comparison, compares_datagrams_and_packets_without_ports) {
    ContentFlow names(
        "alert dns any any -> any any (dns.query; content:\"example\"; sid:1;)\n"
        "alert udp any any -> any 53 (content:\"|03|org\"; sid:2;)\n");
    names.read(frames::dns_query("www.example.org"));
    EXPECT_EQ(names.sids(), (Sids{2, 1}));

    ContentFlow echoes("alert icmp any any -> any any (itype:8; sid:3;)\n");
    const Frame echo = frames::FrameBuilder{}
                           .ethernet()
                           .ipv4({.protocol = 1, .source = 0x0a00'0001, .destination = 0x0a00'0002})
                           .icmp(8, 0)
                           .frame();
    echoes.read(echo);
    EXPECT_EQ(echoes.sids(), Sids{3});
}

// Rules name more applications than there are extractors, and mean them on any port.
TEST(Comparison, an_application_is_what_a_dissector_tells_where_nobody_reads_it) {
    ContentFlow flow(
        "alert mqtt any any -> any any (msg:\"any\"; sid:1;)\n"
        "alert mqtt any any -> any any (content:\"MQTT\"; sid:2;)\n"
        "alert http any any -> any any (content:\"MQTT\"; sid:3;)\n"
        "alert tcp any any -> any any (app-layer-protocol:!mqtt; content:\"MQTT\"; sid:4;)\n"
        "alert tcp any any -> any any (app-layer-protocol:mqtt; content:\"MQTT\"; sid:5;)\n");
    flow.read_all({segment(true, 0x02), segment(false, 0x12), segment(true, 0x10)});
    EXPECT_EQ(flow.sids(), Sids{}) << "nobody knows yet";
    flow.spoken = rules::Application::mqtt;
    flow.read(segment(true, 0x18, "\x10\x0d MQTT"));
    EXPECT_EQ(flow.sids(), (Sids{1, 2, 5}));
}

TEST(Comparison, who_reads_a_flow_knows_better_than_a_dissector) {
    ContentFlow flow(
        "alert http any any -> any any (content:\"example\"; sid:1;)\n"
        "alert ldap any any -> any any (content:\"example\"; sid:2;)\n");
    flow.spoken = rules::Application::ldap;
    flow.read_all(frames::http_conversation());
    EXPECT_EQ(flow.sids().front(), 1U);
    EXPECT_EQ(std::ranges::count(flow.sids(), 2U), 0);
}

TEST(Comparison, connections_without_a_beginning_are_no_streams) {
    ContentFlow flow(
        "alert tcp any any -> any any (flow:established; content:\"example\"; sid:1;)\n"
        "alert http any any -> any any (http.host; content:\"example\"; sid:2;)\n"
        "alert tcp any any -> any any (content:\"example\"; sid:3;)\n"
        "alert http any any -> any any (msg:\"any request\"; sid:4;)\n");
    flow.read(frames::http_conversation()[3]);
    EXPECT_EQ(flow.sids(), Sids{3});
}

}  // namespace
}  // namespace tapmeter::inspect
