#include "src/fields/filter.h"

#include <gtest/gtest.h>

#include "tests/support/flow_records.h"

namespace tapmeter::fields {
namespace {

using test_support::icmpv6_record;
using test_support::tcp_record;

bool matches(std::string_view text, const FlowRecord& record = tcp_record()) {
    const auto filter = parse_filter(text);
    EXPECT_TRUE(filter.has_value()) << text << ": " << (filter ? "" : filter.error());
    return filter && filter->matches(record);
}

// 10.1.2.3:51234 to 93.184.216.34:443, TCP, VLAN 120, 4,884 octets and 23 packets there, 7,392 and
// 21 back, 4.1 s.
TEST(Filter, says_yes_and_no) {
    for (const std::string_view yes : {"",
                                       "any",
                                       "ip 10.1.2.3",
                                       "ip 93.184.216.34",
                                       "src ip 10.1.2.3",
                                       "dst host 93.184.216.34",
                                       "src net 10.0.0.0/8",
                                       "net 10.1.2.0/24",
                                       "net 0.0.0.0/0",
                                       "port 443",
                                       "dst port 443",
                                       "src port > 51233",
                                       "src port < 51235",
                                       "port in [80, 443]",
                                       "dst port in [80 443]",
                                       "ip in [192.0.2.1, 93.184.0.0/16]",
                                       "proto tcp",
                                       "proto 6",
                                       "tcp",
                                       "ipv4",
                                       "inet",
                                       "vlan 120",
                                       "if 1",
                                       "tos 40",
                                       "flags S",
                                       "flags SAPF",
                                       "end 3",
                                       "bytes > 4883",
                                       "bytes < 4885",
                                       "bytes = 4884",
                                       "bytes == 4884",
                                       "bytes 4884",
                                       "out bytes > 7k",
                                       "packets < 24",
                                       "out packets 21",
                                       "duration > 4000",
                                       "duration < 4200",
                                       "pps 5",
                                       "bps > 9k",
                                       "bps < 10k",
                                       "bpp 212",
                                       "not udp",
                                       "not not tcp",
                                       "(tcp)",
                                       "((tcp and port 443))",
                                       "tcp or udp",
                                       "udp or tcp",
                                       "udp and icmp or tcp",
                                       "tcp or udp and icmp",
                                       "not udp and not icmp",
                                       "not (udp or icmp)",
                                       "src ip 10.1.2.3 and dst port 443 and bytes < 1m",
                                       "flowid 1234567890123456"}) {
        EXPECT_TRUE(matches(yes)) << yes;
    }
    for (const std::string_view no : {"not any",
                                      "ip 10.1.2.4",
                                      "dst ip 10.1.2.3",
                                      "src net 11.0.0.0/8",
                                      "ip ::/0",
                                      "port 80",
                                      "src port 443",
                                      "port in [80, 81]",
                                      "udp",
                                      "ipv6",
                                      "vlan 7",
                                      "if 2",
                                      "flags R",
                                      "flags SR",
                                      "bytes > 4884",
                                      "bytes > 1m",
                                      "out bytes < 7k",
                                      "packets > 23",
                                      "tcp and udp",
                                      "not (tcp or udp)",
                                      "(udp or icmp) and tcp",
                                      "udp or tcp and icmp"}) {
        EXPECT_FALSE(matches(no)) << no;
    }
}

TEST(Filter, knows_ipv6) {
    const FlowRecord record = icmpv6_record();
    EXPECT_TRUE(matches("src ip 2001:db8::1", record));
    EXPECT_TRUE(matches("net 2001:db8::/32 and icmp6 and ipv6", record));
    EXPECT_TRUE(matches("ip in [2001:db8::2]", record));
    EXPECT_FALSE(matches("dst ip 2001:db8::1", record));
    EXPECT_FALSE(matches("net 0.0.0.0/0", record));
}

TEST(Filter, a_count_beyond_32_bits_is_a_count) {
    FlowRecord record = tcp_record();
    record.forward.octets = Octets{5'368'709'121};
    EXPECT_TRUE(matches("bytes > 5g and bytes < 6g", record));
    EXPECT_TRUE(matches("bytes > 5368709120", record));
    record.end = record.start;
    EXPECT_TRUE(matches("bps 0 and pps 0", record)) << "no time, no rate";
}

TEST(Filter, what_is_wrong_is_said_with_its_place) {
    struct Bad {
        std::string_view text;
        std::string_view place;
    };
    for (const Bad& bad : {
             Bad{"prot 6", "character 1"},
             Bad{"port", "character 5"},
             Bad{"port abc", "character 6"},
             Bad{"tcp and", "character 8"},
             Bad{"tcp udp", "character 5"},
             Bad{"(tcp", "character 5"},
             Bad{"tcp)", "character 4"},
             Bad{"not", "character 4"},
             Bad{"ip 300.1.1.1", "character 4"},
             Bad{"net 10.0.0.0/33", "character 5"},
             Bad{"net ::/129", "character 5"},
             Bad{"port in 80", "character 9"},
             Bad{"port in [80", "character 12"},
             Bad{"port in []", "character 10"},
             Bad{"bytes > 1x", "character 9"},
             Bad{"bytes > 99999999999999999999", "9"},
             Bad{"bytes > 18446744073709551t", "9"},
             Bad{"flags Z", "character 7"},
             Bad{"flags", "character 6"},
             Bad{"()", "character 2"},
             Bad{"and tcp", "character 1"},
             Bad{"proto foo", "character 7"},
             Bad{"tcp ; udp", "character 5"},
             Bad{"\x01", "character 1"},
         }) {
        const auto filter = parse_filter(bad.text);
        ASSERT_FALSE(filter.has_value()) << bad.text;
        EXPECT_NE(filter.error().find(bad.place), std::string::npos) << filter.error();
    }
}

TEST(Filter, has_limits_on_both_sides) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '(') + "tcp" + std::string(depth, ')');
    };
    EXPECT_TRUE(parse_filter(nested(filter_depth_max)).has_value());
    EXPECT_FALSE(parse_filter(nested(filter_depth_max + 1)).has_value());
    const auto listed = [](std::size_t count) {
        std::string text = "src port in [";
        for (std::size_t i = 0; i < count; ++i) {
            text += std::to_string(i) + " ";
        }
        return text + "]";
    };
    EXPECT_TRUE(parse_filter(listed(filter_tests_max)).has_value());
    EXPECT_FALSE(parse_filter(listed(filter_tests_max + 1)).has_value());
    EXPECT_TRUE(matches(listed(filter_tests_max), [] {
        FlowRecord record = tcp_record();
        record.source_port = filter_tests_max - 1;
        return record;
    }()));
}

// Answers wait for each other at most filter_depth_max deep: "(a or (a or (a or …".
TEST(Filter, answers_that_wait_are_bounded) {
    std::string text = "udp";
    for (std::size_t depth = 0; depth < 30; ++depth) {
        text = "(udp or " + text + ")";
    }
    EXPECT_FALSE(matches(text));
    EXPECT_TRUE(matches("tcp and not " + text));
}

}  // namespace
}  // namespace tapmeter::fields
