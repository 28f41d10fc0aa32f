#include "pipeline/decode/transport.h"

#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace tapmeter::decode {
namespace {

using testing::Frame;
using testing::FrameBuilder;

// What one header gave.
struct Read {
    std::uint16_t source_port = 1;
    std::uint16_t destination_port = 2;
    std::uint16_t tcp_control_bits = 0;
    std::size_t payload_octets = 0;
    std::uint8_t icmp_type = 0;
    std::uint8_t icmp_code = 0;

    bool operator==(const Read&) const = default;
};

Decoded<Read> read(std::uint8_t protocol, Fragment fragment, const FrameBuilder& builder) {
    const Frame octets = builder.frame();
    Headers headers;
    headers.protocol = protocol;
    headers.fragment = fragment;
    return read_transport(Cursor{octets, octets.size()}, headers).map([&] {
        return Read{headers.source_port,    headers.destination_port, headers.tcp_control_bits,
                    headers.payload.size(), headers.icmp_type,        headers.icmp_code};
    });
}

struct Transport {
    const char* name;
    std::uint8_t protocol;
    FrameBuilder octets;
    Decoded<Read> expected;
};

class TransportHeader : public ::testing::TestWithParam<Transport> {};

TEST_P(TransportHeader, answers) {
    const auto& [name, protocol, octets, expected] = GetParam();

    EXPECT_EQ(read(protocol, Fragment::none, octets), expected);
}

TEST_P(TransportHeader, is_the_same_in_a_first_fragment) {
    const auto& [name, protocol, octets, expected] = GetParam();

    EXPECT_EQ(read(protocol, Fragment::first, octets), expected);
}

TEST_P(TransportHeader, is_payload_in_a_later_fragment) {
    const auto& [name, protocol, octets, expected] = GetParam();

    EXPECT_EQ(read(protocol, Fragment::later, octets),
              (Read{.source_port = 0, .destination_port = 0, .payload_octets = octets.size()}));
}

using B = FrameBuilder;
const auto truncated = malformed(Undecoded::truncated);
const auto name_of = [](const auto& test) { return test.param.name; };

B tcp(std::uint8_t data_offset) {
    return B{}.tcp(1, 2, {.data_offset = data_offset, .control_bits = 0x012});
}

INSTANTIATE_TEST_SUITE_P(
    Tcp, TransportHeader,
    ::testing::Values(
        Transport{"empty", 6, B{}, truncated},
        Transport{"ports_one_short", 6, tcp(5).sized(3), truncated},
        Transport{"ports_exact", 6, tcp(5).sized(4), Read{}},
        Transport{"flags_one_short", 6, tcp(5).sized(13), Read{}},
        Transport{"flags_exact", 6, tcp(5).sized(14), Read{.tcp_control_bits = 0x012}},
        Transport{"header_one_short", 6, tcp(5).sized(19), Read{.tcp_control_bits = 0x012}},
        Transport{"header_exact", 6, tcp(5), Read{.tcp_control_bits = 0x012}},
        Transport{"header_one_more", 6, tcp(5).fill(1),
                  Read{.tcp_control_bits = 0x012, .payload_octets = 1}},
        Transport{"options", 6, tcp(6).fill(5),
                  Read{.tcp_control_bits = 0x012, .payload_octets = 1}},
        Transport{"data_offset_4", 6, tcp(4).fill(5), Read{.tcp_control_bits = 0x012}},
        Transport{"data_offset_0", 6, tcp(0).fill(5), Read{.tcp_control_bits = 0x012}},
        Transport{"data_offset_beyond", 6, tcp(15).fill(39), Read{.tcp_control_bits = 0x012}},
        Transport{"data_offset_to_the_end", 6, tcp(15).fill(40), Read{.tcp_control_bits = 0x012}},
        Transport{"data_offset_15", 6, tcp(15).fill(41),
                  Read{.tcp_control_bits = 0x012, .payload_octets = 1}},
        Transport{"all_control_bits", 6, B{}.tcp(1, 2, {.control_bits = 0xfff}),
                  Read{.tcp_control_bits = 0xfff}},
        Transport{"nonce_sum", 6, B{}.tcp(1, 2, {.control_bits = 0x100}),
                  Read{.tcp_control_bits = 0x100}}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Udp, TransportHeader,
    ::testing::Values(
        Transport{"ports_one_short", 17, B{}.udp(1, 2).sized(3), truncated},
        Transport{"ports_exact", 17, B{}.udp(1, 2).sized(4), Read{}},
        Transport{"header_one_short", 17, B{}.udp(1, 2).sized(7), Read{}},
        Transport{"header_exact", 17, B{}.udp(1, 2), Read{}},
        Transport{"payload", 17, B{}.udp(1, 2).fill(5), Read{.payload_octets = 5}},
        Transport{"surplus_is_cut", 17, B{}.udp(1, 2, 12).fill(5), Read{.payload_octets = 4}},
        Transport{"length_8", 17, B{}.udp(1, 2, 8).fill(5), Read{.payload_octets = 0}},
        Transport{"length_7_is_a_lie", 17, B{}.udp(1, 2, 7).fill(5), Read{.payload_octets = 5}},
        Transport{"length_0_is_a_jumbogram", 17, B{}.udp(1, 2, 0).fill(5),
                  Read{.payload_octets = 5}},
        Transport{"length_beyond", 17, B{}.udp(1, 2, 14).fill(5), Read{.payload_octets = 5}},
        // The field is the checksum's coverage there.
        Transport{"udp_lite", 136, B{}.udp(1, 2, 8).fill(5), Read{.payload_octets = 5}},
        Transport{"udp_lite_one_short", 136, B{}.udp(1, 2).sized(3), truncated}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    WithPorts, TransportHeader,
    ::testing::Values(
        Transport{"sctp_one_short", 132, B{}.sctp(1, 2).sized(3), truncated},
        Transport{"sctp_ports", 132, B{}.sctp(1, 2).sized(4), Read{}},
        Transport{"sctp_exact", 132, B{}.sctp(1, 2), Read{}},
        Transport{"sctp_one_more", 132, B{}.sctp(1, 2).fill(1), Read{.payload_octets = 1}},
        Transport{"dccp_one_short", 33, B{}.dccp(1, 2).sized(3), truncated},
        Transport{"dccp_ports", 33, B{}.dccp(1, 2).sized(4), Read{}},
        Transport{"dccp_data_offset", 33, B{}.dccp(1, 2, 4).fill(3), Read{.payload_octets = 3}},
        Transport{"dccp_offset_3", 33, B{}.dccp(1, 2, 3).fill(3), Read{.payload_octets = 7}},
        Transport{"dccp_offset_2_is_a_lie", 33, B{}.dccp(1, 2, 2).fill(3), Read{}},
        Transport{"dccp_offset_beyond", 33, B{}.dccp(1, 2, 255).fill(3), Read{}}),
    name_of);

constexpr Read icmp_read(std::uint8_t type, std::uint8_t code, std::size_t payload_octets) {
    return {.source_port = 0,
            .destination_port = 0,
            .payload_octets = payload_octets,
            .icmp_type = type,
            .icmp_code = code};
}

INSTANTIATE_TEST_SUITE_P(
    WithoutPorts, TransportHeader,
    ::testing::Values(
        Transport{"icmp_empty", 1, B{}, truncated},
        Transport{"icmp_one_short", 1, B{}.icmp(3, 4).sized(1), truncated},
        Transport{"icmp_exact", 1, B{}.icmp(3, 4).sized(2), icmp_read(3, 4, 0)},
        Transport{"icmp_header", 1, B{}.icmp(3, 4), icmp_read(3, 4, 0)},
        Transport{"icmp_payload", 1, B{}.icmp(3, 4).fill(28), icmp_read(3, 4, 28)},
        Transport{"icmpv6_one_short", 58, B{}.icmp(128, 1).sized(1), truncated},
        Transport{"icmpv6_exact", 58, B{}.icmp(128, 1).sized(2), icmp_read(128, 1, 0)},
        Transport{"icmpv6_body", 58, B{}.icmp(128, 1).fill(16), icmp_read(128, 1, 20)},
        Transport{"gre", 47, B{}.fill(9), icmp_read(0, 0, 9)},
        Transport{"esp_empty", 50, B{}, icmp_read(0, 0, 0)},
        Transport{"icmp_number_58_in_ipv4_too", 58, B{}.icmp(1, 0), icmp_read(1, 0, 4)}),
    name_of);

}  // namespace
}  // namespace tapmeter::decode
