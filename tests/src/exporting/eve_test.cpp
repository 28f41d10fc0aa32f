#include "src/exporting/eve.h"

#include <gtest/gtest.h>

#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

using test_support::icmpv6_record;
using test_support::tcp_record;

const Interfaces points{{"p0", ObservationDomainId{1}}, {"evil\"\n", ObservationDomainId{9}}};

std::string eve(const FlowRecord& record) {
    std::vector<char> text(JsonLines::line_octets_max + JsonLines::name_octets_max);
    return {text.data(), JsonLines(points).write_eve(text.data(), record)};
}

std::string flat(const FlowRecord& record) {
    std::vector<char> text(JsonLines::line_octets_max + JsonLines::name_octets_max);
    return {text.data(), JsonLines(points).write_flat(text.data(), record)};
}

TEST(Eve, tcp_line) {
    EXPECT_EQ(
        eve(tcp_record()),
        R"({"timestamp":"2025-11-20T10:15:33.123456+0000","flow_id":1234567890123456,)"
        R"("in_iface":"p0","event_type":"flow","vlan":[120,7],"src_ip":"10.1.2.3",)"
        R"("src_port":51234,"dest_ip":"93.184.216.34","dest_port":443,"proto":"TCP","ip_v":4,)"
        R"("community_id":"1:rzhrQhBQgtLl6UQh54zcShmSoIc=",)"
        R"("flow":{"pkts_toserver":23,"pkts_toclient":21,"bytes_toserver":4884,)"
        R"("bytes_toclient":7392,"start":"2025-11-20T10:15:29.023456+0000",)"
        R"("end":"2025-11-20T10:15:33.123456+0000","age":4,"state":"closed",)"
        R"("reason":"timeout","alerted":false},)"
        R"("tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"13","syn":true,)"
        R"("fin":true,"psh":true,"ack":true},)"
        R"("tapmeter":{"start_ns":1763633729023456789,"end_ns":1763633733123456789,)"
        R"("end_reason":"end_of_flow","observation_domain_id":1,"worker":2,)"
        R"("l2_bytes_toserver":5206,"l2_bytes_toclient":7686}})"
        "\n");
}

TEST(Eve, a_record_that_stands_for_others_says_so) {
    FlowRecord record = tcp_record();
    record.sampling_exponent = 4;
    EXPECT_TRUE(eve(record).ends_with(",\"l2_bytes_toclient\":7686,\"sampling\":16}}\n"));
    record.aggregated = true;
    record.destination_prefix_length = 24;
    EXPECT_TRUE(
        eve(record).ends_with(",\"aggregated\":true,\"src_prefix_length\":0,"
                              "\"dest_prefix_length\":24,\"sampling\":16}}\n"));
    EXPECT_NE(flat(record).find(",\"biflowDirection\":1,\"sourceIPv4PrefixLength\":0,"
                                "\"destinationIPv4PrefixLength\":24,\"flowSelectorAlgorithm\":4,"
                                "\"samplingProbability\":0.0625,"),
              std::string::npos)
        << flat(record);
}

TEST(Eve, icmpv6_line) {
    const std::string line = eve(icmpv6_record());
    EXPECT_NE(line.find(R"("event_type":"flow","src_ip":"2001:db8::1","dest_ip":"2001:db8::2",)"
                        R"("proto":"IPv6-ICMP","ip_v":6,"icmp_type":128,"icmp_code":0,)"),
              std::string::npos)
        << line;
    EXPECT_EQ(line.find("port"), std::string::npos);
    EXPECT_EQ(line.find("vlan"), std::string::npos);
    EXPECT_EQ(line.find("\"tcp\""), std::string::npos);
    EXPECT_NE(line.find(R"("state":"new","reason":"timeout")"), std::string::npos);
}

TEST(Eve, states_and_reasons_in_suricatas_words) {
    FlowRecord record = tcp_record();
    record.end_reason = flow::FlowEndReason::active_timeout;
    record.forward_tcp_control_bits = 0x12;
    record.reverse_tcp_control_bits = 0x13;
    EXPECT_NE(eve(record).find(R"("state":"established","reason":"timeout")"), std::string::npos)
        << "one FIN does not close";
    record.forward_tcp_control_bits = 0x13;
    EXPECT_NE(eve(record).find(R"("state":"closed")"), std::string::npos);
    record.forward_tcp_control_bits = 0x04;
    record.reverse_tcp_control_bits = 0;
    record.end_reason = flow::FlowEndReason::forced_end;
    EXPECT_NE(eve(record).find(R"("state":"closed","reason":"shutdown")"), std::string::npos);
    record.protocol = 17;
    record.end_reason = flow::FlowEndReason::lack_of_resources;
    EXPECT_NE(eve(record).find(R"("state":"established","reason":"forced")"), std::string::npos);
}

TEST(Eve, one_vlan_and_a_name_that_would_break_the_line) {
    FlowRecord record = tcp_record();
    record.customer_vlan = 0;
    record.observation_point = 1;
    const std::string line = eve(record);
    EXPECT_NE(line.find(R"("vlan":[120])"), std::string::npos);
    EXPECT_NE(line.find(R"("in_iface":"evil\"\u000a")"), std::string::npos) << line;
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_NE(line.find(R"("observation_domain_id":9)"), std::string::npos);
}

TEST(Eve, all_eight_flags) {
    FlowRecord record = tcp_record();
    record.forward_tcp_control_bits = 0x1FF;
    record.reverse_tcp_control_bits = 0;
    EXPECT_NE(eve(record).find(R"("tcp_flags":"ff","tcp_flags_ts":"ff","tcp_flags_tc":"00",)"
                               R"("syn":true,"fin":true,"rst":true,"psh":true,"ack":true,)"
                               R"("urg":true,"ecn":true,"cwr":true})"),
              std::string::npos);
}

TEST(Flat, tcp_line_has_the_names_of_the_elements) {
    EXPECT_EQ(flat(tcp_record()),
              R"({"flowStartNanoseconds":"2025-11-20T10:15:29.023456789Z",)"
              R"("flowEndNanoseconds":"2025-11-20T10:15:33.123456789Z","octetDeltaCount":4884,)"
              R"("packetDeltaCount":23,"reverseOctetDeltaCount":7392,)"
              R"("reversePacketDeltaCount":21,"layer2OctetDeltaCount":5206,)"
              R"("reverseLayer2OctetDeltaCount":7686,"flowId":1234567890123456,)"
              R"("sourceIPv4Address":"10.1.2.3","destinationIPv4Address":"93.184.216.34",)"
              R"("ingressInterface":1,"sourceTransportPort":51234,)"
              R"("destinationTransportPort":443,"tcpControlBits":27,"reverseTcpControlBits":19,)"
              R"("dot1qVlanId":120,"dot1qCustomerVlanId":7,"protocolIdentifier":6,)"
              R"("ipClassOfService":40,"reverseIpClassOfService":44,"minimumTTL":63,)"
              R"("reverseMinimumTTL":51,"flowEndReason":3,"biflowDirection":1,)"
              R"("observationDomainId":1,"interfaceName":"p0"})"
              "\n");
}

TEST(Flat, icmpv6_line) {
    const std::string line = flat(icmpv6_record());
    EXPECT_NE(
        line.find(R"("sourceIPv6Address":"2001:db8::1","destinationIPv6Address":"2001:db8::2")"),
        std::string::npos);
    EXPECT_NE(line.find(R"("icmpTypeCodeIPv6":32768)"), std::string::npos);
    EXPECT_EQ(line.find("Port"), std::string::npos);
}

// Every number at its widest: the line still has room to spare.
TEST(Eve, the_longest_line_is_within_its_bound) {
    FlowRecord record = tcp_record();
    record.ip_version = 6;
    record.source.fill(0xFF);
    record.destination.fill(0xFF);
    record.flow_id = UINT64_MAX;
    record.vlan = record.customer_vlan = record.worker = UINT16_MAX;
    record.forward = {Packets{UINT64_MAX}, Octets{UINT64_MAX}, Octets{UINT64_MAX}};
    record.reverse = record.forward;
    record.start = record.end = ObservedAt{Nanoseconds{INT64_MIN}};
    record.end_reason = flow::FlowEndReason::lack_of_resources;
    record.aggregated = true;
    record.source_prefix_length = record.destination_prefix_length = 128;
    record.sampling_exponent = 16;
    EXPECT_LT(eve(record).size(), 2'048U);
    EXPECT_LT(flat(record).size(), 2'048U);
}

TEST(EveDeathTest, a_record_without_an_end_reason_is_a_bug) {
    FlowRecord record = tcp_record();
    record.end_reason = {};
    EXPECT_DEATH(eve(record), "broken expectation");
}

}  // namespace
}  // namespace tapmeter::exporting
