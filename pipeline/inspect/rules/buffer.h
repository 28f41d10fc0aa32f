#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "pipeline/inspect/rules/application.h"

namespace tapmeter::inspect::rules {

// What a condition of a rule looks at. `payload` is the packet's payload, or the reassembled stream
// of its direction; all others are named pieces that extractors cut out of a flow. (Suricata user
// guide 7.0, chapters 8.5 payload keywords, 8.8 prefilter, 8.12 and following.)
enum class Buffer : std::uint8_t {
    payload,
    http_uri,
    http_raw_uri,
    http_method,
    http_protocol,
    http_request_line,
    http_header,
    http_raw_header,
    http_header_names,
    http_request_header,
    http_response_header,
    http_cookie,
    http_user_agent,
    http_host,
    http_raw_host,
    http_accept,
    http_accept_language,
    http_accept_encoding,
    http_referer,
    http_connection,
    http_content_type,
    http_content_length,
    http_start,
    http_request_body,
    http_status_code,
    http_status_message,
    http_response_line,
    http_response_body,
    http_server,
    http_location,
    file_data,
    tls_server_name,
    tls_subject,
    tls_issuer,
    tls_serial,
    tls_fingerprint,
    ja3_hash,
    ja3_string,
    ja3s_hash,
    ja3s_string,
    dns_query,
    ssh_protocol,
    ssh_software,
    sip_method,
    sip_uri,
    sip_request_line,
    sip_status_code,
    sip_status_message,
    sip_response_line,
    sip_protocol,
    quic_version,
    quic_server_name,
    quic_user_agent,
    ipv4_header,
    ipv6_header,
    tcp_header,
    udp_header,
    icmpv4_header,
    icmpv6_header,
    count,
};
inline constexpr std::size_t buffers = static_cast<std::size_t>(Buffer::count);

constexpr std::size_t index_of(Buffer buffer) noexcept {
    return static_cast<std::size_t>(buffer);
}

// One keyword that names a buffer.
struct BufferName {
    std::string_view keyword;
    Buffer buffer;
    // The keyword stands before its contents ("sticky"); else behind the content that it moves.
    bool sticky = true;
};

using enum Buffer;

inline constexpr std::array buffer_names{
    BufferName{"http.uri", http_uri},
    BufferName{"http.uri.raw", http_raw_uri},
    BufferName{"http.method", http_method},
    BufferName{"http.protocol", http_protocol},
    BufferName{"http.request_line", http_request_line},
    BufferName{"http.header", http_header},
    BufferName{"http.header.raw", http_raw_header},
    BufferName{"http.header_names", http_header_names},
    BufferName{"http.request_header", http_request_header},
    BufferName{"http.response_header", http_response_header},
    BufferName{"http.cookie", http_cookie},
    BufferName{"http.user_agent", http_user_agent},
    BufferName{"http.host", http_host},
    BufferName{"http.host.raw", http_raw_host},
    BufferName{"http.accept", http_accept},
    BufferName{"http.accept_lang", http_accept_language},
    BufferName{"http.accept_enc", http_accept_encoding},
    BufferName{"http.referer", http_referer},
    BufferName{"http.connection", http_connection},
    BufferName{"http.content_type", http_content_type},
    BufferName{"http.content_len", http_content_length},
    BufferName{"http.start", http_start},
    BufferName{"http.request_body", http_request_body},
    BufferName{"http.stat_code", http_status_code},
    BufferName{"http.stat_msg", http_status_message},
    BufferName{"http.response_line", http_response_line},
    BufferName{"http.response_body", http_response_body},
    BufferName{"http.server", http_server},
    BufferName{"http.location", http_location},
    BufferName{"http_header_names", http_header_names},
    BufferName{"http_protocol", http_protocol},
    BufferName{"http_start", http_start},
    BufferName{"http_request_line", http_request_line},
    BufferName{"http_response_line", http_response_line},
    BufferName{"http_accept", http_accept},
    BufferName{"http_accept_lang", http_accept_language},
    BufferName{"http_accept_enc", http_accept_encoding},
    BufferName{"http_referer", http_referer},
    BufferName{"http_connection", http_connection},
    BufferName{"http_content_type", http_content_type},
    BufferName{"http_content_len", http_content_length},
    BufferName{"file.data", file_data},
    BufferName{"file_data", file_data},
    BufferName{"tls.sni", tls_server_name},
    BufferName{"tls_sni", tls_server_name},
    BufferName{"tls.cert_subject", tls_subject},
    BufferName{"tls_cert_subject", tls_subject},
    BufferName{"tls.cert_issuer", tls_issuer},
    BufferName{"tls_cert_issuer", tls_issuer},
    BufferName{"tls.cert_serial", tls_serial},
    BufferName{"tls_cert_serial", tls_serial},
    BufferName{"tls.cert_fingerprint", tls_fingerprint},
    BufferName{"tls_cert_fingerprint", tls_fingerprint},
    BufferName{"ja3.hash", ja3_hash},
    BufferName{"ja3_hash", ja3_hash},
    BufferName{"ja3.string", ja3_string},
    BufferName{"ja3_string", ja3_string},
    BufferName{"ja3s.hash", ja3s_hash},
    BufferName{"ja3s.string", ja3s_string},
    BufferName{"dns.query", dns_query},
    BufferName{"dns_query", dns_query},
    BufferName{"ssh.proto", ssh_protocol},
    BufferName{"ssh_proto", ssh_protocol},
    BufferName{"ssh.software", ssh_software},
    BufferName{"ssh_software", ssh_software},
    BufferName{"sip.method", sip_method},
    BufferName{"sip.uri", sip_uri},
    BufferName{"sip.request_line", sip_request_line},
    BufferName{"sip.stat_code", sip_status_code},
    BufferName{"sip.stat_msg", sip_status_message},
    BufferName{"sip.response_line", sip_response_line},
    BufferName{"sip.protocol", sip_protocol},
    BufferName{"quic.version", quic_version},
    BufferName{"quic.sni", quic_server_name},
    BufferName{"quic.ua", quic_user_agent},
    BufferName{"ipv4.hdr", ipv4_header},
    BufferName{"ipv6.hdr", ipv6_header},
    BufferName{"tcp.hdr", tcp_header},
    BufferName{"udp.hdr", udp_header},
    BufferName{"icmpv4.hdr", icmpv4_header},
    BufferName{"icmpv6.hdr", icmpv6_header},
    BufferName{"http_uri", http_uri, false},
    BufferName{"http_raw_uri", http_raw_uri, false},
    BufferName{"http_method", http_method, false},
    BufferName{"http_header", http_header, false},
    BufferName{"http_raw_header", http_raw_header, false},
    BufferName{"http_cookie", http_cookie, false},
    BufferName{"http_user_agent", http_user_agent, false},
    BufferName{"http_host", http_host, false},
    BufferName{"http_raw_host", http_raw_host, false},
    BufferName{"http_client_body", http_request_body, false},
    BufferName{"http_server_body", http_response_body, false},
    BufferName{"http_stat_code", http_status_code, false},
    BufferName{"http_stat_msg", http_status_message, false},
};

// The keyword's row; none where the word names no buffer.
const BufferName* find_buffer_name(std::string_view keyword) noexcept;

// The first keyword of a buffer: "http.uri"; "payload" for the payload.
std::string_view name_of(Buffer buffer) noexcept;

// The buffer of a letter among the modifiers of pcre: U is http_uri.
std::optional<Buffer> buffer_of_pcre(char letter) noexcept;

// Which application's extractor gives the buffer; `unknown` where every packet has it.
Application application_of(Buffer buffer) noexcept;

// Headers of the packet itself, cut from its octets.
constexpr bool is_packet_header(Buffer buffer) noexcept {
    return buffer >= Buffer::ipv4_header && buffer <= Buffer::icmpv6_header;
}

// Cut by an extractor out of a message of the application.
constexpr bool is_named(Buffer buffer) noexcept {
    return buffer != Buffer::payload && !is_packet_header(buffer);
}

}  // namespace tapmeter::inspect::rules
