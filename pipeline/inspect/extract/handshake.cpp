#include "pipeline/inspect/extract/handshake.h"

#include <algorithm>
#include <array>

#include "pipeline/inspect/extract/certificate.h"
#include "pipeline/inspect/extract/client_hello.h"
#include "pipeline/inspect/extract/fingerprint.h"
#include "pipeline/inspect/extract/quic_parameters.h"
#include "pipeline/inspect/extract/reader.h"

namespace tapmeter::inspect::extract {

namespace {

constexpr std::uint16_t tls_1_3 = 0x0304;

// The random of a HelloRetryRequest (RFC 8446 §4.1.3), its first eight octets.
constexpr std::size_t random_at = 2;
constexpr std::array retry_random{std::byte{0xcf}, std::byte{0x21}, std::byte{0xad},
                                  std::byte{0x74}, std::byte{0xe5}, std::byte{0x9a},
                                  std::byte{0x61}, std::byte{0x11}};

bool is_retry(Bytes server_hello) noexcept {
    return server_hello.size() >= random_at + retry_random.size() &&
           std::ranges::equal(server_hello.subspan(random_at, retry_random.size()), retry_random);
}

std::span<const std::byte> shown(const Md5& digest, Findings& findings) noexcept {
    std::array<char, 2 * sizeof(Md5)> digits{};
    write_hex(digest, digits);
    return findings.keep_copy(std::as_bytes(std::span{digits}));
}

// Writes the string where it can be shown, and its digest.
Md5 show_ja3(const Hello& hello, bool from_server, Context& context) noexcept {
    std::array<char, ja3_octets_max> text;  // NOLINT(*-init*): written up to `length`
    const std::size_t length = from_server ? write_ja3s(hello, text) : write_ja3(hello, text);
    const Bytes string = std::as_bytes(std::span{text}.first(length));
    const Md5 digest = md5_of(string);
    context.show(from_server ? Buffer::ja3s_string : Buffer::ja3_string,
                 context.findings.keep_copy(string));
    context.show(from_server ? Buffer::ja3s_hash : Buffer::ja3_hash,
                 shown(digest, context.findings));
    return digest;
}

// Names joined with commas, in the findings' room.
Bytes joined(Bytes alpn, Findings& findings) noexcept {
    const auto room = findings.room();
    std::size_t used = 0;
    Reader names{alpn};
    while (!names.empty()) {
        const Bytes name = names.vector8();
        if (names.failed() || used + 1 + name.size() > room.size()) {
            break;
        }
        if (used != 0) {
            room[used++] = std::byte{','};
        }
        std::ranges::copy(name, room.subspan(used).begin());
        used += name.size();
    }
    return findings.keep(used);
}

void count_hello(const Hello& hello, ReadEvent kind, Context& context) noexcept {
    context.count(kind);
    if (hello.is_cut) {
        context.count(ReadEvent::tls_hello_cut);
    }
    if (hello.too_many) {
        context.count(ReadEvent::tls_too_many_numbers);
    }
}

void read_client(Bytes body, char transport, Context& context) noexcept {
    Hello hello;
    read_client_hello(body, hello);
    count_hello(hello,
                transport == 'q' ? ReadEvent::quic_client_hello : ReadEvent::tls_client_hello,
                context);
    if (hello.has_server_name) {
        context.show(Buffer::tls_sni, hello.server_name);
    }
    auto& tls = context.metadata.tls;
    const bool is_first = !tls.has_client_hello;
    if (is_first) {
        tls.has_client_hello = true;
        tls.client_version = version_of(hello);
        tls.sni = context.metadata.keep(hello.server_name, text_max::name);
        tls.alpn_offered =
            context.metadata.keep(joined(hello.alpn, context.findings), text_max::alpn);
    }
    if (transport == 'q') {
        read_quic_parameters(hello.quic_transport_parameters, context);
    }
    if (hello.too_many) {
        return;
    }
    if (context.options.ja3) {
        const Md5 ja3 = show_ja3(hello, false, context);
        tls.ja3 = is_first ? ja3 : tls.ja3;
    }
    if (context.options.ja4) {
        const auto ja4 = ja4_of(hello, transport);
        context.show(Buffer::ja4_hash, context.findings.keep_copy(std::as_bytes(std::span{ja4})));
        if (is_first) {
            tls.ja4 = context.metadata.keep({ja4.data(), ja4.size()}, text_max::ja4);
        }
    }
}

void read_server(Bytes body, char transport, Context& context) noexcept {
    Hello hello;
    read_server_hello(body, hello);
    count_hello(hello,
                transport == 'q' ? ReadEvent::quic_server_hello : ReadEvent::tls_server_hello,
                context);
    const std::uint16_t version = version_of(hello);
    std::array<std::byte, 2> shown_version{std::byte(version >> 8U), std::byte(version & 0xffU)};
    context.show(Buffer::tls_version, context.findings.keep_copy(shown_version));
    auto& tls = context.metadata.tls;
    const bool is_first = !tls.has_server_hello;
    if (is_first) {
        tls.has_server_hello = true;
        tls.version = version;
        tls.cipher_suite =
            hello.cipher_suites.empty() ? std::uint16_t{0} : number_at(hello.cipher_suites, 0);
        tls.alpn = context.metadata.keep(joined(hello.alpn, context.findings), text_max::alpn);
    }
    if (context.options.ja3 && !hello.too_many) {
        const Md5 ja3s = show_ja3(hello, true, context);
        tls.ja3s = is_first ? ja3s : tls.ja3s;
    }
}

Bytes show_name(Bytes name, Buffer buffer, Context& context) noexcept {
    const Bytes text = context.findings.keep(write_name(name, context.findings.room()));
    context.show(buffer, text);
    return text;
}

// The server's own certificate: the first of the list (RFC 5246 §7.4.2).
void read_certificates(Bytes body, Context& context) noexcept {
    Reader list{Reader{body}.vector24()};
    const Bytes der = list.vector24();
    context.count(ReadEvent::tls_certificate);
    const Certificate certificate = read_certificate(der);
    if (list.failed() || !certificate.whole) {
        context.count(ReadEvent::tls_bad_certificate);
    }
    if (der.empty()) {
        return;
    }
    auto& findings = context.findings;
    const Bytes subject = show_name(certificate.subject, Buffer::tls_cert_subject, context);
    const Bytes issuer = show_name(certificate.issuer, Buffer::tls_cert_issuer, context);
    context.show(Buffer::tls_cert_serial,
                 findings.keep(write_octets(certificate.serial, true, findings.room())));
    const Sha1 sha1 = sha1_of(der);
    context.show(
        Buffer::tls_cert_fingerprint,
        findings.keep(write_octets(std::as_bytes(std::span{sha1}), false, findings.room())));
    auto& tls = context.metadata.tls;
    if (tls.has_certificate) {
        return;
    }
    tls.has_certificate = true;
    tls.not_before = certificate.not_before;
    tls.not_after = certificate.not_after;
    tls.sha1 = sha1;
    tls.serial = context.metadata.keep(certificate.serial, text_max::serial);
    tls.subject = context.metadata.keep(subject, text_max::distinguished_name);
    tls.issuer = context.metadata.keep(issuer, text_max::distinguished_name);
}

}  // namespace

bool read_handshake(std::uint8_t type, Bytes body, char transport, Context& context) noexcept {
    switch (type) {
        case handshake::client_hello:
            context.from_client = true;
            read_client(body, transport, context);
            return transport == 'q';
        case handshake::server_hello:
            read_server(body, transport, context);
            // TLS 1.3 encrypts what follows, but for the hello behind a retry.
            return transport == 'q' || (context.metadata.tls.version >= tls_1_3 && !is_retry(body));
        case handshake::certificate:
            if (!context.from_client) {
                read_certificates(body, context);
            }
            return true;
        case handshake::server_hello_done:
        case handshake::client_key_exchange:
            return true;
        default:
            return false;
    }
}

}  // namespace tapmeter::inspect::extract
