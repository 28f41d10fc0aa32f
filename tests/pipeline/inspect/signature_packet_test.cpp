#include "pipeline/inspect/signature_packet.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/inspect/signature_buffers.h"
#include "pipeline/inspect/signature_ports.h"
#include "pipeline/inspect/signature_set.h"
#include "tests/pipeline/inspect/compiled_rules.h"

namespace tapmeter::inspect {
namespace {

using rules::Application;
using rules::Buffer;
using Sids = std::vector<std::uint32_t>;

TEST(PacketHeaders, fields_of_ipv4_tcp_and_icmp) {
    // RFC 791: header of 24 octets with a record-route option; then TCP.
    std::vector<std::uint8_t> octets(24 + 20, 0);
    octets[0] = 0x46;
    octets[4] = 0x12;
    octets[5] = 0x34;
    octets[20] = 7;
    octets[21] = 4;
    octets[24 + 4] = 1;
    octets[24 + 12] = 0x50;
    octets[24 + 15] = 9;
    decode::Headers headers{};
    headers.ip_version = 4;
    headers.protocol = 6;
    const Inspected packet{.headers = headers, .network = std::as_bytes(std::span{octets})};
    const PacketHeaders cut{packet};
    EXPECT_EQ(value_of(rules::Field::ip_identification, packet, cut), 0x1234U);
    EXPECT_EQ(value_of(rules::Field::tcp_sequence, packet, cut), 0x0100'0000U);
    EXPECT_EQ(value_of(rules::Field::tcp_window, packet, cut), 9U);
    EXPECT_EQ(value_of(rules::Field::icmp_identifier, packet, cut), std::nullopt);
    EXPECT_EQ(cut.of(Buffer::tcp_header).size(), 20U);
    EXPECT_TRUE(cut.of(Buffer::udp_header).empty());
    rules::Rule rule;
    rule.ip_option = rules::OptionTest{7};
    EXPECT_TRUE(headers_meet(rule, packet, cut));
    rule.ip_option = rules::OptionTest{68};
    EXPECT_FALSE(headers_meet(rule, packet, cut));
    const Inspected unknown{.headers = headers};
    EXPECT_FALSE(headers_meet(rule, unknown, PacketHeaders{unknown}));
}

TEST(PacketHeaders, no_cut_is_read_beyond) {
    std::vector<std::uint8_t> octets(120, 0xFF);
    for (const std::uint8_t version : {std::uint8_t{4}, std::uint8_t{6}}) {
        for (const std::uint8_t protocol :
             {std::uint8_t{1}, std::uint8_t{6}, std::uint8_t{17}, std::uint8_t{58}}) {
            for (std::size_t size = 0; size <= octets.size(); ++size) {
                decode::Headers headers{};
                headers.ip_version = version;
                headers.protocol = protocol;
                const std::vector<std::uint8_t> copy(octets.begin(),
                                                     octets.begin() + static_cast<long>(size));
                const Inspected packet{.headers = headers,
                                       .network = std::as_bytes(std::span{copy})};
                const PacketHeaders cut{packet};
                EXPECT_LE(cut.ip().size() + cut.transport().size(), size);
            }
        }
    }
}

TEST(NamedBuffers, are_made_of_what_was_found) {
    const auto set = compile(
        "alert http any any -> any any (http.connection; content:\"x\"; sid:1;)\n"
        "alert http any any -> any any (http.header_names; content:\"x\"; sid:2;)\n"
        "alert http any any -> any any (http.request_header; content:\"x\"; sid:3;)\n"
        "alert http any any -> any any (http.user_agent; content:\"x\"; sid:4;)\n"
        "alert http any any -> any any (file.data; content:\"x\"; sid:5;)\n"
        "alert sip any any -> any any (sip.method; content:\"x\"; sip.uri; content:\"x\"; sid:6;)\n"
        "alert http any any -> any any (http.protocol; content:\"x\"; sid:7;)\n"
        "alert http any any -> any any (http.start; content:\"x\"; sid:8;)\n");
    const auto made = std::make_unique<NamedBuffers>();
    const auto text_in = [&](Buffer buffer) {
        std::string all;
        for (const NamedOctets& named : made->view()) {
            if (named.buffer == buffer) {
                all += "[";
                for (const std::byte octet : named.octets) {
                    all += static_cast<char>(octet);
                }
                all += "]";
            }
        }
        return all;
    };
    made->begin(set->prefilter());
    made->add({Buffer::http_request_line, 4, octets_of("GET /a HTTP/1.1")}, true);
    made->add({Buffer::http_raw_header, 4, octets_of("Host: h\r\n")}, true);
    made->add(
        {Buffer::http_header, 4, octets_of("Host: h\r\nCONNECTION:  close\r\nUser-Agent: \r\n")},
        true);
    made->add({Buffer::http_request_body, 4, octets_of("body")}, true);
    EXPECT_EQ(text_in(Buffer::http_protocol), "[HTTP/1.1]");
    EXPECT_EQ(text_in(Buffer::http_connection), "[close]");
    EXPECT_EQ(text_in(Buffer::http_header_names), "[\r\nHost\r\nCONNECTION\r\nUser-Agent\r\n\r\n]");
    EXPECT_EQ(text_in(Buffer::http_request_header), "[Host: h][CONNECTION:  close][User-Agent: ]");
    EXPECT_EQ(text_in(Buffer::http_user_agent), "[]");
    EXPECT_EQ(text_in(Buffer::http_start), "[GET /a HTTP/1.1\r\nHost: h\r\n\r\n]");
    EXPECT_EQ(text_in(Buffer::file_data), "[body]");
    EXPECT_EQ(text_in(Buffer::http_header), "") << "nobody looks at it";
    made->begin(set->prefilter());
    made->add_datagram(Application::sip, octets_of("REGISTER sip:a@b SIP/2.0\r\nVia: x\r\n"));
    EXPECT_EQ(text_in(Buffer::sip_method), "[REGISTER]");
    EXPECT_EQ(text_in(Buffer::sip_uri), "[sip:a@b]");
    made->begin(set->prefilter());
    made->add_datagram(Application::sip, octets_of("SIP/2.0"));
    made->add_datagram(Application::sip, octets_of(" "));
    EXPECT_TRUE(made->view().empty());
    EXPECT_EQ(made->left_out(), 0U);
}

TEST(PortIndex, a_packet_meets_the_rules_of_its_ports) {
    std::vector<rules::Rule> rules(4);
    rules[0].destination_port = *rules::parse_ports("80:90", {});
    rules[1].source_port = *rules::parse_ports("[85,65535]", {});
    rules[2].destination_port = *rules::parse_ports("!80", {});
    const std::array<std::uint32_t, 4> all{0, 1, 2, 3};
    const PortIndex index = PortIndex::make(rules, all);
    const auto of = [&](std::uint16_t port) {
        const auto found = index.of(port);
        return Sids(found.begin(), found.end());
    };
    EXPECT_EQ(of(79), Sids{});
    EXPECT_EQ(of(80), Sids{0});
    EXPECT_EQ(of(85), (Sids{0, 1}));
    EXPECT_EQ(of(90), Sids{0});
    EXPECT_EQ(of(91), Sids{});
    EXPECT_EQ(of(65'535), Sids{1});
    EXPECT_EQ(index.any().size(), 2U) << "nearly all ports are as good as any";
}

}  // namespace
}  // namespace tapmeter::inspect
