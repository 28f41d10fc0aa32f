#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "pipeline/base/bytes.h"
#include "pipeline/base/fates.h"
#include "pipeline/base/ring.h"
#include "pipeline/base/units.h"
#include "pipeline/flow/signature_hits.h"

namespace tapmeter::inspect {

// What an extractor reads. `unknown` until the first octets say more.
enum class Protocol : std::uint8_t {
    unknown,
    http,  // HTTP/1.0 and 1.1
    tls,   // over TCP
    dtls,  // recognised and left alone
    quic,
    dns,  // also mDNS and LLMNR
    ssh,
    smtp,
    ftp,
    smb,
    count,
};
inline constexpr std::size_t protocols = static_cast<std::size_t>(Protocol::count);
inline constexpr std::array<std::string_view, protocols> protocol_names{
    "unknown", "http", "tls", "dtls", "quic", "dns", "ssh", "smtp", "ftp", "smb"};

// The parts of a flow that a signature can look at, by the names that rules give them. An
// extractor shows them as views while it reads (pipeline/inspect/extract/findings.h), whole up to
// the inspected part of the stream; Metadata keeps only what a flow record reports.
enum class Buffer : std::uint8_t {
    http_method,
    http_uri,      // normalised: percent-decoded, dot segments removed
    http_uri_raw,  // as in the request line
    http_request_line,
    http_host,      // lower case, without port
    http_host_raw,  // as in the Host field
    http_user_agent,
    http_referer,
    http_cookie,  // of Cookie, and of Set-Cookie in a response
    http_content_type,
    http_header,  // fields without the cookies, "name: value\r\n" each
    http_header_raw,
    http_request_body,
    http_stat_code,
    http_stat_msg,
    http_server,
    http_response_line,
    http_response_body,
    tls_sni,
    tls_version,  // two octets, big-endian: chosen by the server
    tls_cert_subject,
    tls_cert_issuer,
    tls_cert_serial,       // "0A:BC:..."
    tls_cert_fingerprint,  // SHA-1, "0a:bc:..."
    ja3_hash,              // 32 hexadecimal digits, lower case
    ja3_string,
    ja3s_hash,
    ja3s_string,
    ja4_hash,
    dns_query,  // dotted, without the root's dot
    ssh_proto,
    ssh_software,
    quic_user_agent,
    smtp_greeting,
    ftp_greeting,
    file_data,  // octets of a file, each part that a message carries
    count,
};
inline constexpr std::size_t buffers = static_cast<std::size_t>(Buffer::count);
inline constexpr std::array<std::string_view, buffers> buffer_names{
    "http.method",        "http.uri",           "http.uri.raw",    "http.request_line",
    "http.host",          "http.host.raw",      "http.user_agent", "http.referer",
    "http.cookie",        "http.content_type",  "http.header",     "http.header.raw",
    "http.request_body",  "http.stat_code",     "http.stat_msg",   "http.server",
    "http.response_line", "http.response_body", "tls.sni",         "tls.version",
    "tls.cert_subject",   "tls.cert_issuer",    "tls.cert_serial", "tls.cert_fingerprint",
    "ja3.hash",           "ja3.string",         "ja3s.hash",       "ja3s.string",
    "ja4.hash",           "dns.query",          "ssh.proto",       "ssh.software",
    "quic.user_agent",    "smtp.greeting",      "ftp.greeting",    "file.data"};

// The one table of names: no two alike, none left out.
constexpr std::optional<Buffer> buffer_named(std::string_view name) noexcept {
    const auto* const found = std::ranges::find(buffer_names, name);
    if (found == buffer_names.end()) {
        return std::nullopt;
    }
    return static_cast<Buffer>(found - buffer_names.begin());
}
static_assert(buffer_named("file.data") == Buffer::file_data);

// A piece of Metadata's text: where it stands, how long it is, and whether some of it was cut off.
// Octets as they were on the wire, hostile: whoever prints them escapes them.
struct Text {
    std::uint16_t begin = 0;
    std::uint16_t length_and_cut = 0;

    static constexpr std::uint16_t cut_bit = 0x8000;

    constexpr std::size_t length() const noexcept { return length_and_cut & ~unsigned{cut_bit}; }
    // True where the wire had more than could be kept.
    constexpr bool cut() const noexcept { return (length_and_cut & cut_bit) != 0; }
    // False where nothing was found, not even an empty string that had to be cut.
    constexpr bool empty() const noexcept { return length_and_cut == 0; }
};
static_assert(sizeof(Text) == 4);

// HTTP/1 (RFC 9112): the flow's first request and first response; how many there were.
struct HttpMetadata {
    Text method{};
    Text uri{};  // request target as on the wire
    Text host{};
    Text user_agent{};
    Text referer{};
    Text content_type{};  // of the response
    Text server{};
    std::uint16_t status = 0;     // 100 to 599 and what else three digits said; 0: none seen
    std::uint16_t requests = 0;   // seen in the inspected part; stays at its maximum
    std::uint16_t responses = 0;  // the same
    std::uint8_t version = 0;     // of the request: 0x10 HTTP/1.0, 0x11 HTTP/1.1
    std::uint8_t unused = 0;
};
static_assert(sizeof(HttpMetadata) == 36);

// TLS and the handshake in QUIC (RFC 8446, RFC 9001).
struct TlsMetadata {
    std::int64_t not_before = 0;  // seconds since 1970-01-01 UTC; only with `has_certificate`
    std::int64_t not_after = 0;
    Text sni{};
    Text alpn_offered{};  // the client's list, joined with commas
    Text alpn{};          // the server's choice; TLS 1.3 encrypts it
    Text ja4{};           // FoxIO's JA4 of the client
    Text subject{};       // "C=US, O=Example, CN=example.com", as the certificate orders it
    Text issuer{};
    Text serial{};                        // big-endian octets
    std::array<std::uint8_t, 16> ja3{};   // MD5; only with `has_client_hello`
    std::array<std::uint8_t, 16> ja3s{};  // MD5; only with `has_server_hello`
    std::array<std::uint8_t, 20> sha1{};  // of the certificate
    std::uint16_t client_version = 0;     // highest offered, GREASE apart
    std::uint16_t version = 0;            // chosen: 0x0303 TLS 1.2, 0x0304 TLS 1.3
    std::uint16_t cipher_suite = 0;       // chosen
    bool has_client_hello = false;
    bool has_server_hello = false;
    bool has_certificate = false;
    std::array<std::uint8_t, 7> unused{};
};
static_assert(sizeof(TlsMetadata) == 112);

// One answer: addresses as their 4 or 16 octets, names dotted, anything else as its octets.
struct DnsAnswer {
    std::uint32_t time_to_live = 0;  // seconds
    Text data{};
    std::uint16_t type = 0;
    std::uint16_t unused = 0;
};
inline constexpr std::size_t dns_answers_max = 6;

// The flow's first query and the first response (RFC 1035).
struct DnsMetadata {
    Text query{};  // dotted, without the root's dot
    std::uint16_t id = 0;
    std::uint16_t type = 0;  // QTYPE
    std::uint16_t query_class = 0;
    std::uint16_t queries = 0;  // messages of either kind in the inspected part
    std::uint16_t responses = 0;
    std::uint8_t response_code = 0;  // RCODE; only with `has_response`
    bool has_response = false;
    bool has_response_time = false;
    std::uint8_t answers_kept = 0;
    std::uint16_t answers_told = 0;           // ANCOUNT of the response
    std::uint32_t response_microseconds = 0;  // query to response; only with `has_response_time`
    std::array<DnsAnswer, dns_answers_max> answers{};
};
static_assert(sizeof(DnsMetadata) == 96);

struct QuicMetadata {
    std::uint32_t version = 0;  // of the client's first packet; 0: no long header seen
    Text user_agent{};          // transport parameter or gQUIC tag UAID
};

// Identification strings (RFC 4253 §4.2): "SSH-2.0-OpenSSH_9.2p1 Debian" is protocol "2.0",
// software "OpenSSH_9.2p1".
struct SshMetadata {
    Text client_protocol{};
    Text client_software{};
    Text server_protocol{};
    Text server_software{};
};

using flow::SignatureHits;

// What the extractors learnt about one flow: plain octets of one size, taken from a pool when the
// first fact is found. A group is all zero where its protocol was not met; a flow may have two
// (HTTP CONNECT and TLS). All strings share `text`; each has a limit of its own below.
//
//   octet 0        groups of the protocols            328                    768
//         +------------------------------------------+----------------------+
//         | tls | dns | http | ssh | quic | small     | text, filled from    |
//         |                                          | its start            |
//         +------------------------------------------+----------------------+
//
// Only the first stored_octets() carry something: who keeps many may keep just those.
struct alignas(cache_line_octets) Metadata {
    static constexpr std::size_t text_octets = 440;

    TlsMetadata tls{};
    DnsMetadata dns{};
    HttpMetadata http{};
    SshMetadata ssh{};
    QuicMetadata quic{};
    SignatureHits signatures{};
    Text greeting{};                // first line of an SMTP or FTP server
    std::uint16_t smb_dialect = 0;  // chosen by the server; 0x0202 to 0x0311, 1 for SMB 1
    Protocol protocol = Protocol::unknown;
    bool text_full = false;  // a string was cut because `text` had no room left
    std::uint16_t text_used = 0;
    std::array<std::uint8_t, 10> unused{};
    std::array<char, text_octets> text{};

    std::string_view view(Text piece) const noexcept {
        const std::size_t begin = std::min<std::size_t>(piece.begin, text_octets);
        return std::string_view{text.data(), text_octets}.substr(begin, piece.length());
    }

    // Keeps the first `octets_max` octets (below 32,768) and marks the piece if there were more.
    Text keep(Bytes octets, std::size_t octets_max) noexcept {
        const std::size_t room = text_octets - text_used;
        const std::size_t length = std::min({octets.size(), octets_max, room});
        text_full = text_full || (length == room && length < std::min(octets.size(), octets_max));
        std::ranges::transform(octets.first(length), std::span{text}.subspan(text_used).begin(),
                               [](std::byte octet) { return static_cast<char>(octet); });
        const Text kept{.begin = text_used,
                        .length_and_cut = static_cast<std::uint16_t>(
                            length | (length < octets.size() ? Text::cut_bit : 0U))};
        text_used = static_cast<std::uint16_t>(text_used + length);
        return kept;
    }
    Text keep(std::string_view octets, std::size_t octets_max) noexcept {
        return keep(std::as_bytes(std::span{octets}), octets_max);
    }

    std::size_t stored_octets() const noexcept {
        return sizeof(Metadata) - text_octets + text_used;
    }
};
static_assert(sizeof(Metadata) == 12 * cache_line_octets);
static_assert(offsetof(Metadata, text) + Metadata::text_octets == sizeof(Metadata));
static_assert(std::is_trivially_copyable_v<Metadata>, "crosses the ring as octets");

// What Metadata keeps of each string at most, in octets; beyond it the string is cut and says so.
namespace text_max {
inline constexpr std::size_t name = 255;  // SNI, DNS names, Host: the longest that DNS has
inline constexpr std::size_t method = 16;
inline constexpr std::size_t uri = 256;
inline constexpr std::size_t user_agent = 160;
inline constexpr std::size_t referer = 96;
inline constexpr std::size_t content_type = 48;
inline constexpr std::size_t server = 48;
inline constexpr std::size_t alpn = 48;
inline constexpr std::size_t ja4 = 36;
inline constexpr std::size_t distinguished_name = 160;
inline constexpr std::size_t serial = 20;  // RFC 5280 §4.1.2.2
inline constexpr std::size_t dns_data = 96;
inline constexpr std::size_t banner = 64;
inline constexpr std::size_t greeting = 96;
}  // namespace text_max

}  // namespace tapmeter::inspect
