#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/frames.h"

namespace tapmeter::testing {

// A DNS query for the address of `name`.
inline Frame dns_query(std::string_view name, std::uint16_t port = 40'000) {
    FrameBuilder frame;
    frame.ethernet().ipv4().udp(port, 53).be16(0x1234).be16(0x0100).be16(1).be16(0).be32(0);
    while (!name.empty()) {
        const std::size_t dot = std::min(name.find('.'), name.size());
        frame.be8(static_cast<std::uint8_t>(dot)).text(name.substr(0, dot));
        name.remove_prefix(std::min(dot + 1, name.size()));
    }
    return frame.be8(0).be16(1).be16(1).frame();
}

// A TCP segment of a connection to `port`. Payload begins behind a SYN of number 1.
inline Frame segment(bool from_client, std::uint16_t bits, std::string_view payload = {},
                     std::uint16_t port = 80, std::uint16_t client_port = 40'000,
                     std::uint32_t offset = 0) {
    const std::uint32_t client = 0x0a00'0001;
    const std::uint32_t server = 0x0a00'0002;
    return FrameBuilder{}
        .ethernet()
        .ipv4({.protocol = 6,
               .source = from_client ? client : server,
               .destination = from_client ? server : client})
        .tcp(from_client ? client_port : port, from_client ? port : client_port,
             {.control_bits = bits, .sequence = (bits & 0x02U) != 0 ? 1 : 2 + offset})
        .text(payload)
        .frame();
}

// Handshake, request, response.
inline std::vector<Frame> http_conversation(std::uint16_t port = 80,
                                            std::uint16_t client_port = 40'000) {
    const std::string request =
        "GET /index.html HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: Mozilla/5.0\r\n\r\n";
    const std::string response =
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok";
    return {segment(true, 0x02, {}, port, client_port), segment(false, 0x12, {}, port, client_port),
            segment(true, 0x10, {}, port, client_port),
            segment(true, 0x18, request, port, client_port),
            segment(false, 0x18, response, port, client_port)};
}

// Handshake and a ClientHello of TLS 1.2 that names the server.
inline std::vector<Frame> tls_conversation(std::string_view server,
                                           std::uint16_t client_port = 40'000) {
    const auto be16 = [](std::size_t n) {
        return std::string{static_cast<char>(n >> 8U), static_cast<char>(n)};
    };
    const std::string name = be16(0) + be16(server.size() + 5) + be16(server.size() + 3) +
                             std::string(1, '\0') + be16(server.size()) + std::string(server);
    const std::string hello = std::string("\x03\x03", 2) + std::string(32, '\x22') +
                              std::string("\0\0\x02\xc0\x2f\x01\0", 7) + be16(name.size()) + name;
    const std::string record = std::string("\x16\x03\x01", 3) + be16(hello.size() + 4) +
                               std::string("\x01\0", 2) + be16(hello.size()) + hello;
    return {segment(true, 0x02, {}, 443, client_port), segment(false, 0x12, {}, 443, client_port),
            segment(true, 0x10, {}, 443, client_port),
            segment(true, 0x18, record, 443, client_port)};
}

// DTLS 1.2 ServerHello and Certificate in one UDP packet, whose subject nDPI knows: it ends nDPI
// 4.2, which looks for a TCP header there.
inline Frame dtls_certificate() {
    const auto message = [](std::uint8_t kind, const std::string& body) {
        const auto be24 = [](std::size_t n) {
            return std::string{static_cast<char>(n >> 16U), static_cast<char>(n >> 8U),
                               static_cast<char>(n)};
        };
        const std::string inner = std::string(1, static_cast<char>(kind)) + be24(body.size()) +
                                  std::string(2, '\0') + be24(0) + be24(body.size()) + body;
        return std::string("\x16\xfe\xfd", 3) + std::string(8, '\0') +
               be24(inner.size()).substr(1) + inner;
    };
    const std::string hello =
        std::string("\xfe\xfd", 2) + std::string(32, '\x11') + std::string("\0\xc0\x30\0\0\0", 6);
    const std::string certificate = std::string(40, '\0') +
                                    std::string(
                                        "\x55\x04\x0a\x0c\x0a"
                                        "Cloudflare",
                                        15) +
                                    std::string(80, '\0');
    const auto length = [](std::size_t n) {
        return std::string{'\0', static_cast<char>(n >> 8U), static_cast<char>(n)};
    };
    const std::string list = length(certificate.size()) + certificate;
    const std::string both = message(2, hello) + message(11, length(list.size()) + list);
    return FrameBuilder{}.ethernet().ipv4().udp(443, 40'000).text(both).frame();
}

}  // namespace tapmeter::testing
