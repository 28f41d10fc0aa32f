#include "pipeline/inspect/description.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string_view>

namespace tapmeter::inspect::ndpi {

namespace {

bool is(const Detected& detected, std::uint16_t protocol) noexcept {
    return detected.master == protocol || detected.application == protocol;
}

std::string_view text(const char* terminated) noexcept {
    return terminated == nullptr ? std::string_view{} : std::string_view{terminated};
}

// A field of nDPI's, which may be full to its last octet.
std::string_view field(std::span<const char> octets) noexcept {
    const auto end = std::ranges::find(octets, '\0');
    return {octets.data(), static_cast<std::size_t>(end - octets.begin())};
}

// nDPI escapes nothing and terminates all: an empty text is one that it has not found.
Text kept(Metadata& to, std::string_view octets, std::size_t octets_max) noexcept {
    return octets.empty() ? Text{} : to.keep(octets, octets_max);
}

// 32 hexadecimal digits; all zero where there are none.
bool read_md5(std::string_view digits, std::array<std::uint8_t, 16>& to) noexcept {
    if (digits.size() != 2 * to.size()) {
        return false;
    }
    for (std::size_t octet = 0; octet < to.size(); ++octet) {
        const auto pair = digits.substr(2 * octet, 2);
        if (std::from_chars(pair.data(), pair.data() + pair.size(), to[octet], 16).ec !=
            std::errc{}) {
            return false;
        }
    }
    return true;
}

// The client's handshake, in TLS and in QUIC alike.
void describe_tls(const Flow& flow, Metadata& to) noexcept {
    const auto& found = flow.protos.tls_quic;
    TlsMetadata& tls = to.tls;
    tls.sni = kept(to, field(flow.host_server_name), text_max::name);
    tls.alpn_offered = kept(to, text(found.alpn), text_max::alpn);
    tls.has_client_hello = read_md5(field(found.ja3_client), tls.ja3);
    tls.has_server_hello = read_md5(field(found.ja3_server), tls.ja3s);
    tls.version = found.ssl_version;
    tls.cipher_suite = found.server_cipher;
    tls.subject = kept(to, text(found.subjectDN), text_max::distinguished_name);
    tls.issuer = kept(to, text(found.issuerDN), text_max::distinguished_name);
    tls.has_certificate = found.notAfter != 0;
    tls.not_before = found.notBefore;
    tls.not_after = found.notAfter;
    if (tls.has_certificate) {
        std::ranges::copy(found.sha1_certificate_fingerprint, tls.sha1.begin());
    }
}

void describe_http(const Flow& flow, Metadata& to) noexcept {
    HttpMetadata& http = to.http;
    http.host = kept(to, field(flow.host_server_name), text_max::name);
    // nDPI puts the host in front of the request target.
    std::string_view url = text(flow.http.url);
    if (const std::string_view host = field(flow.host_server_name); url.starts_with(host)) {
        url.remove_prefix(host.size());
    }
    http.uri = kept(to, url, text_max::uri);
    http.user_agent = kept(to, text(flow.http.user_agent), text_max::user_agent);
    http.content_type = kept(to, text(flow.http.content_type), text_max::content_type);
    if (flow.http.method != NDPI_HTTP_METHOD_UNKNOWN) {
        http.method = kept(to, text(ndpi_http_method2str(flow.http.method)), text_max::method);
        http.requests = 1;
        http.version = flow.http.request_version == 0 ? 0x10 : 0x11;
    }
    http.status = flow.http.response_status_code;
    http.responses = http.status != 0 ? 1 : 0;
}

void describe_dns(const Flow& flow, Metadata& to) noexcept {
    const auto& found = flow.protos.dns;
    DnsMetadata& dns = to.dns;
    dns.query = kept(to, field(flow.host_server_name), text_max::name);
    dns.type = found.query_type;
    dns.query_class = found.query_class;
    dns.queries = 1;
    dns.has_response = found.is_query == 0;
    dns.responses = dns.has_response ? 1 : 0;
    dns.response_code = found.reply_code;
    dns.answers_told = found.num_answers;
}

void describe_ssh(const Flow& flow, Metadata& to) noexcept {
    const auto& found = flow.protos.ssh;
    to.ssh.client_software = kept(to, field(found.client_signature), text_max::banner);
    to.ssh.server_software = kept(to, field(found.server_signature), text_max::banner);
}

}  // namespace

// TLS, DNS and SSH share one union: only the protocol that was detected tells which is there.
bool describe(const Flow& flow, const Detected& detected, Metadata& to) noexcept {
    if (is(detected, NDPI_PROTOCOL_QUIC)) {
        describe_tls(flow, to);
        to.protocol = Protocol::quic;
        to.quic.user_agent = kept(to, text(flow.http.user_agent), text_max::user_agent);
    } else if (is(detected, NDPI_PROTOCOL_TLS)) {
        describe_tls(flow, to);
        to.protocol = Protocol::tls;
    } else if (is(detected, NDPI_PROTOCOL_DNS) || is(detected, NDPI_PROTOCOL_MDNS) ||
               is(detected, NDPI_PROTOCOL_LLMNR)) {
        describe_dns(flow, to);
        to.protocol = Protocol::dns;
    } else if (is(detected, NDPI_PROTOCOL_SSH)) {
        describe_ssh(flow, to);
        to.protocol = Protocol::ssh;
    } else if (flow.http.method != NDPI_HTTP_METHOD_UNKNOWN || flow.http.url != nullptr) {
        describe_http(flow, to);
        to.protocol = Protocol::http;
    }
    return to.text_used != 0 || to.tls.has_client_hello || to.dns.queries != 0;
}

}  // namespace tapmeter::inspect::ndpi
