#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/frames.h"

namespace tapmeter::testing {

// What a DNS message says, and what may be odd in it.
struct DnsMessage {
    std::string_view name = "www.example.org";
    bool response = false;
    std::uint16_t flags = 0;
    std::uint16_t questions = 1;
    std::uint16_t query_type = 1;
    std::uint16_t authorities = 0;
    std::vector<std::uint16_t> answer_types{};
    std::uint16_t data_octets = 4;  // of each answer
};

inline std::string text_of(const DnsMessage& message) {
    FrameBuilder octets;
    octets.be16(0x1234)
        .be16(static_cast<std::uint16_t>(message.flags | (message.response ? 0x8180U : 0x0100U)))
        .be16(message.questions)
        .be16(static_cast<std::uint16_t>(message.answer_types.size()))
        .be16(message.authorities)
        .be16(0);
    for (std::string_view left = message.name; !left.empty();) {
        const std::size_t dot = std::min(left.find('.'), left.size());
        octets.be8(static_cast<std::uint8_t>(dot)).text(left.substr(0, dot));
        left.remove_prefix(std::min(dot + 1, left.size()));
    }
    octets.be8(0).be16(message.query_type).be16(1);
    for (const std::uint16_t type : message.answer_types) {
        octets.be16(0xC00C).be16(type).be16(1).be32(300).be16(message.data_octets);
        for (unsigned i = 0; i < message.data_octets; ++i) {
            octets.be8(1);
        }
    }
    std::string text;
    for (const std::byte octet : octets.frame()) {
        text.push_back(static_cast<char>(octet));
    }
    return text;
}

// One side of a conversation between a client and the server at `server`, port 53.
struct DnsPath {
    std::uint32_t client = 0x0a00'0001;
    std::uint32_t server = 0x0a00'0035;
    std::uint16_t client_port = 40'000;
};

// From the IP header on.
inline Frame by_udp(const DnsPath& path, bool to_server, std::string_view message) {
    return FrameBuilder{}
        .ipv4({.protocol = 17,
               .source = to_server ? path.client : path.server,
               .destination = to_server ? path.server : path.client})
        .udp(to_server ? path.client_port : 53, to_server ? 53 : path.client_port)
        .text(message)
        .frame();
}

inline Frame by_tcp(const DnsPath& path, bool to_server, const TcpFields& fields,
                    std::string_view payload = {}) {
    return FrameBuilder{}
        .ipv4({.protocol = 6,
               .source = to_server ? path.client : path.server,
               .destination = to_server ? path.server : path.client})
        .tcp(to_server ? path.client_port : 53, to_server ? 53 : path.client_port, fields)
        .text(payload)
        .frame();
}

// A message of DNS over TCP, behind its length.
inline std::string with_length(const std::string& message) {
    return std::string{static_cast<char>(message.size() >> 8U), static_cast<char>(message.size())} +
           message;
}

// SYN, SYN-ACK and ACK. The client's first octet is number 101, the server's 501.
inline std::vector<Frame> dns_handshake(const DnsPath& path) {
    return {
        by_tcp(path, true, {.control_bits = 0x02, .sequence = 100, .acknowledgment = 0}),
        by_tcp(path, false, {.control_bits = 0x12, .sequence = 500, .acknowledgment = 101}),
        by_tcp(path, true, {.control_bits = 0x10, .sequence = 101, .acknowledgment = 501}),
    };
}

}  // namespace tapmeter::testing
