#include "src/exporting/community_id.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace tapmeter::exporting {
namespace {

struct Case {
    std::uint8_t protocol;
    const char* source;
    const char* destination;
    std::uint16_t source_port;       // ICMP: type
    std::uint16_t destination_port;  // ICMP: code, or the type that answers
    const char* expected;
};

decode::Address address_of(const char* text, std::uint8_t& version) {
    decode::Address address{};
    version = ::inet_pton(AF_INET6, text, address.data()) == 1 ? 6 : 4;
    if (version == 4) {
        EXPECT_EQ(::inet_pton(AF_INET, text, &address[12]), 1) << text;
    }
    return address;
}

FlowRecord record_of(const Case& one) {
    FlowRecord record;
    record.protocol = one.protocol;
    record.source = address_of(one.source, record.ip_version);
    record.destination = address_of(one.destination, record.ip_version);
    if (one.protocol == 1 || one.protocol == 58) {
        record.icmp_type = static_cast<std::uint8_t>(one.source_port);
        record.icmp_code = static_cast<std::uint8_t>(one.destination_port);
    } else {
        record.source_port = one.source_port;
        record.destination_port = one.destination_port;
    }
    return record;
}

// The baseline of the specification's own test suite (version 1, seed 0).
constexpr std::array baseline{
    Case{58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 136,
         "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
    Case{58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 135,
         "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
    Case{58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 135, 136,
         "1:zavyT/cezQr1fmImYCwYnMXbgck="},
    Case{58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 136, 135,
         "1:zavyT/cezQr1fmImYCwYnMXbgck="},
    Case{58, "3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0,
         "1:2ObVBgIn28oZvibYZhZMBgh7WdQ="},
    Case{58, "3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da", 1, 4,
         "1:hLZd0XGWojozrvxqE0dWB1iM6R0="},
    Case{58, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 128, 129,
         "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
    Case{58, "3ffe:501:0:1001::2", "3ffe:507:0:1:200:86ff:fe05:80da", 129, 128,
         "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
    Case{58, "fe80::200:86ff:fe05:80da", "ff02::2", 133, 134, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0="},
    Case{58, "fe80::260:97ff:fe07:69ea", "ff02::1", 134, 133, "1:pkvHqCL88/tg1k4cPigmZXUtL00="},
    Case{1, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
    Case{1, "192.168.0.1", "192.168.0.89", 0, 8, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
    Case{1, "10.0.0.1", "10.0.0.2", 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM="},
    Case{6, "2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943, 25,
         "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
    Case{6, "2607:f8b0:400c:c03::1a", "2001:470:e5bf:dead:4957:2174:e82c:4887", 25, 63943,
         "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
    Case{132, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
    Case{132, "192.168.170.56", "192.168.170.8", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
    Case{6, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
    Case{6, "66.35.250.204", "128.232.110.120", 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
    Case{17, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
    Case{17, "8.8.8.8", "192.168.1.52", 53, 54585, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
    Case{46, "10.1.12.1", "10.1.12.2", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
    Case{46, "10.1.12.2", "10.1.12.1", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
};

TEST(CommunityId, agrees_with_the_baseline_of_the_specification) {
    for (const Case& one : baseline) {
        EXPECT_EQ(text_of(community_id(record_of(one))), one.expected)
            << int{one.protocol} << ' ' << one.source << ' ' << one.destination;
    }
}

TEST(CommunityId, both_directions_are_one_flow) {
    for (const Case& one : baseline) {
        if (one.protocol == 1 || one.protocol == 58) {
            continue;  // an ICMP answer has a type of its own: the baseline has those
        }
        FlowRecord record = record_of(one);
        std::swap(record.source, record.destination);
        std::swap(record.source_port, record.destination_port);
        EXPECT_EQ(text_of(community_id(record)), one.expected);
    }
}

TEST(CommunityId, ports_order_what_addresses_do_not) {
    Case same{6, "127.0.0.1", "127.0.0.1", 40'000, 80, ""};
    const CommunityId there = community_id(record_of(same));
    std::swap(same.source_port, same.destination_port);
    EXPECT_EQ(community_id(record_of(same)), there);
}

}  // namespace
}  // namespace tapmeter::exporting
