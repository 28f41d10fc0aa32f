#include "src/exporting/eve_metadata.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <span>
#include <string_view>

#include "src/exporting/text.h"

namespace tapmeter::exporting {

namespace {

using inspect::Metadata;
using inspect::Text;

char* append(char* to, std::string_view text) noexcept {
    return std::ranges::copy(text, to).out;
}

char* write_escaped(char* to, std::string_view text) noexcept {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            *to++ = '\\';
            *to++ = c;
        } else if (octet < ' ' || octet >= 0x7f) {
            to = append(to, "\\u00");
            *to++ = digits[octet >> 4U];
            *to++ = digits[octet & 0x0fU];
        } else {
            *to++ = c;
        }
    }
    return to;
}

// An object that appears with its first member and is closed with its last.
class Object {
public:
    Object(char* to, std::string_view name, const Metadata& metadata) noexcept
        : to_(to), name_(name), metadata_(metadata) {}

    void text(std::string_view name, Text value) noexcept {
        if (!value.empty()) {
            begin(name);
            *to_++ = '"';
            to_ = write_escaped(to_, metadata_.view(value));
            *to_++ = '"';
        }
    }
    void word(std::string_view name, std::string_view value) noexcept {
        begin(name);
        to_ = fmt::format_to(to_, FMT_COMPILE("\"{}\""), value);
    }
    void number(std::string_view name, std::uint64_t value) noexcept {
        begin(name);
        to_ = fmt::format_to(to_, FMT_COMPILE("{}"), value);
    }
    // "0a1b2c", with something between the octets: "0a:1b:2c".
    void octets(std::string_view name, std::span<const std::uint8_t> value,
                std::string_view between) noexcept {
        begin(name);
        *to_++ = '"';
        for (std::size_t i = 0; i < value.size(); ++i) {
            to_ = fmt::format_to(to_, FMT_COMPILE("{}{:02x}"), i == 0 ? "" : between, value[i]);
        }
        *to_++ = '"';
    }
    // An object in it, with one member.
    void hash(std::string_view name, std::span<const std::uint8_t> value) noexcept {
        begin(name);
        Object inner(to_, "", metadata_);
        inner.octets("hash", value, "");
        to_ = inner.end();
    }
    // What `write` writes as a value.
    template <class Write>
    void value(std::string_view name, Write write) noexcept {
        begin(name);
        to_ = write(to_);
    }
    char* end() noexcept {
        if (begun_) {
            *to_++ = '}';
        }
        return to_;
    }

private:
    void begin(std::string_view member) noexcept {
        if (begun_) {
            *to_++ = ',';
        } else if (name_.empty()) {
            *to_++ = '{';
        } else {
            to_ = fmt::format_to(to_, FMT_COMPILE(",\"{}\":{{"), name_);
        }
        begun_ = true;
        to_ = fmt::format_to(to_, FMT_COMPILE("\"{}\":"), member);
    }

    char* to_;
    std::string_view name_;
    const Metadata& metadata_;
    bool begun_ = false;
};

char* write_http(char* to, const Metadata& metadata) noexcept {
    const inspect::HttpMetadata& http = metadata.http;
    Object object(to, "http", metadata);
    object.text("hostname", http.host);
    object.text("url", http.uri);
    object.text("http_user_agent", http.user_agent);
    object.text("http_refer", http.referer);
    object.text("http_content_type", http.content_type);
    object.text("http_server", http.server);
    object.text("http_method", http.method);
    if (http.version != 0) {
        object.word("protocol", http.version == 0x10 ? "HTTP/1.0" : "HTTP/1.1");
    }
    if (http.status != 0) {
        object.number("status", http.status);
    }
    return object.end();
}

std::string_view tls_version(std::uint16_t version) noexcept {
    switch (version) {
        case 0x0300:
            return "SSLv3";
        case 0x0301:
            return "TLSv1";
        case 0x0302:
            return "TLS 1.1";
        case 0x0303:
            return "TLS 1.2";
        case 0x0304:
            return "TLS 1.3";
        default:
            return "UNDETERMINED";
    }
}

char* write_utc(char* to, std::int64_t seconds) noexcept {
    using namespace std::chrono;
    const sys_seconds at{std::chrono::seconds{seconds}};
    const auto day = floor<days>(at);
    const year_month_day date{day};
    const hh_mm_ss time{at - day};
    return fmt::format_to(to, FMT_COMPILE("\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}\""),
                          static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                          static_cast<unsigned>(date.day()), time.hours().count(),
                          time.minutes().count(), time.seconds().count());
}

void write_handshake(Object& object, const inspect::TlsMetadata& tls) noexcept {
    object.text("sni", tls.sni);
    object.text("client_alpns", tls.alpn_offered);
    object.text("server_alpn", tls.alpn);
    if (tls.has_client_hello) {
        object.hash("ja3", tls.ja3);
    }
    object.text("ja4", tls.ja4);
}

char* write_tls(char* to, const Metadata& metadata) noexcept {
    const inspect::TlsMetadata& tls = metadata.tls;
    Object object(to, "tls", metadata);
    object.text("subject", tls.subject);
    object.text("issuerdn", tls.issuer);
    if (!tls.serial.empty()) {
        const std::string_view serial = metadata.view(tls.serial);
        std::array<std::uint8_t, inspect::text_max::serial> octets{};
        const std::size_t size = std::min(serial.size(), octets.size());
        std::ranges::transform(serial.substr(0, size), octets.begin(),
                               [](char c) { return static_cast<std::uint8_t>(c); });
        object.octets("serial", std::span{octets}.first(size), ":");
    }
    if (tls.has_certificate) {
        object.octets("fingerprint", tls.sha1, ":");
        object.value("notbefore", [&](char* at) { return write_utc(at, tls.not_before); });
        object.value("notafter", [&](char* at) { return write_utc(at, tls.not_after); });
    }
    if (tls.version != 0) {
        object.word("version", tls_version(tls.version));
    }
    write_handshake(object, tls);
    if (tls.has_server_hello) {
        object.hash("ja3s", tls.ja3s);
    }
    return object.end();
}

char* write_quic(char* to, const Metadata& metadata) noexcept {
    Object object(to, "quic", metadata);
    if (metadata.quic.version != 0) {
        object.value("version", [&](char* at) {
            return fmt::format_to(at, FMT_COMPILE("\"{:#010x}\""), metadata.quic.version);
        });
    }
    object.text("ua", metadata.quic.user_agent);
    write_handshake(object, metadata.tls);
    return object.end();
}

struct Named {
    std::uint16_t number;
    std::string_view name;
};
constexpr std::array dns_types{Named{1, "A"},      Named{2, "NS"},      Named{5, "CNAME"},
                               Named{6, "SOA"},    Named{12, "PTR"},    Named{15, "MX"},
                               Named{16, "TXT"},   Named{28, "AAAA"},   Named{33, "SRV"},
                               Named{35, "NAPTR"}, Named{43, "DS"},     Named{46, "RRSIG"},
                               Named{47, "NSEC"},  Named{48, "DNSKEY"}, Named{64, "SVCB"},
                               Named{65, "HTTPS"}, Named{255, "ANY"}};
constexpr std::array dns_rcodes{Named{0, "NOERROR"},  Named{1, "FORMERR"}, Named{2, "SERVFAIL"},
                                Named{3, "NXDOMAIN"}, Named{4, "NOTIMP"},  Named{5, "REFUSED"},
                                Named{6, "YXDOMAIN"}, Named{7, "YXRRSET"}, Named{8, "NXRRSET"},
                                Named{9, "NOTAUTH"},  Named{10, "NOTZONE"}};

// An unnamed one by its number, as Suricata does.
void write_named(Object& object, std::string_view member, std::span<const Named> names,
                 std::uint16_t number) noexcept {
    const auto found = std::ranges::find(names, number, &Named::number);
    if (found != names.end()) {
        object.word(member, found->name);
    } else {
        object.value(member, [number](char* at) {
            return fmt::format_to(at, FMT_COMPILE("\"{}\""), number);
        });
    }
}

char* write_answer(char* to, const inspect::DnsAnswer& answer, const Metadata& metadata) noexcept {
    Object object(to, "", metadata);
    write_named(object, "rrtype", dns_types, answer.type);
    object.number("ttl", answer.time_to_live);
    const std::string_view data = metadata.view(answer.data);
    const bool ipv4 = answer.type == 1 && data.size() == 4;
    const bool ipv6 = answer.type == 28 && data.size() == 16;
    if (!ipv4 && !ipv6) {
        object.text("rdata", answer.data);
        return object.end();
    }
    decode::Address address{};
    if (ipv4) {
        std::memcpy(&address[12], data.data(), 4);
    } else {
        std::memcpy(address.data(), data.data(), address.size());
    }
    object.value("rdata", [&](char* at) {
        *at++ = '"';
        at = write_address(at, address, ipv4 ? 4 : 6);
        *at++ = '"';
        return at;
    });
    return object.end();
}

char* write_dns(char* to, const Metadata& metadata) noexcept {
    const inspect::DnsMetadata& dns = metadata.dns;
    if (dns.queries == 0) {
        return to;
    }
    Object object(to, "dns", metadata);
    object.word("type", dns.has_response ? "answer" : "query");
    object.number("id", dns.id);
    object.text("rrname", dns.query);
    write_named(object, "rrtype", dns_types, dns.type);
    if (dns.has_response) {
        write_named(object, "rcode", dns_rcodes, dns.response_code);
        object.number("ancount", dns.answers_told);
    }
    if (dns.has_response_time) {
        object.number("response_us", dns.response_microseconds);
    }
    if (dns.answers_kept != 0) {
        object.value("answers", [&](char* at) {
            *at++ = '[';
            const std::size_t kept = std::min<std::size_t>(dns.answers_kept, dns.answers.size());
            for (const auto& answer : std::span{dns.answers}.first(kept)) {
                at = write_answer(at, answer, metadata);
                *at++ = ',';
            }
            at[-1] = ']';
            return at;
        });
    }
    return object.end();
}

char* write_ssh(char* to, const Metadata& metadata) noexcept {
    const inspect::SshMetadata& ssh = metadata.ssh;
    Object object(to, "ssh", metadata);
    const auto side = [&](std::string_view name, Text protocol, Text software) {
        if (!protocol.empty() || !software.empty()) {
            object.value(name, [&](char* at) {
                Object inner(at, "", metadata);
                inner.text("proto_version", protocol);
                inner.text("software_version", software);
                return inner.end();
            });
        }
    };
    side("client", ssh.client_protocol, ssh.client_software);
    side("server", ssh.server_protocol, ssh.server_software);
    return object.end();
}

char* write_greeting(char* to, const Metadata& metadata) noexcept {
    Object object(to, metadata.protocol == inspect::Protocol::ftp ? "ftp" : "smtp", metadata);
    object.text("greeting", metadata.greeting);
    return object.end();
}

char* write_smb(char* to, const Metadata& metadata) noexcept {
    Object object(to, "smb", metadata);
    if (metadata.smb_dialect != 0) {
        object.value("dialect", [&](char* at) {
            return metadata.smb_dialect == 1
                       ? append(at, "\"NT LM 0.12\"")
                       : fmt::format_to(at, FMT_COMPILE("\"{}.{}{}\""), metadata.smb_dialect >> 8U,
                                        metadata.smb_dialect >> 4U & 0xfU,
                                        metadata.smb_dialect & 0xfU);
        });
    }
    return object.end();
}

char* write_sids(char* to, const inspect::SignatureHits& hits) noexcept {
    const std::size_t known = std::min<std::size_t>(hits.sids_count, hits.sids.size());
    for (std::size_t i = 0; i < known; ++i) {
        to = fmt::format_to(to, FMT_COMPILE("{}{}"), i == 0 ? "" : ",", hits.sids[i]);
    }
    return to;
}

}  // namespace

char* write_signatures(char* to, const inspect::SignatureHits& hits) noexcept {
    if (hits.matches == 0) {
        return to;
    }
    to = fmt::format_to(to, FMT_COMPILE(",\"signatures\":{{\"matches\":{},\"sids\":["),
                        hits.matches);
    return append(write_sids(to, hits), "]}");
}

char* write_flat_signatures(char* to, const inspect::SignatureHits& hits) noexcept {
    if (hits.matches == 0) {
        return to;
    }
    to = fmt::format_to(to, FMT_COMPILE(",\"signatureMatchTotalCount\":{},\"signatureIds\":["),
                        hits.matches);
    return append(write_sids(to, hits), "]");
}

char* write_metadata(char* to, const Metadata& metadata) noexcept {
    to = write_http(to, metadata);
    to = metadata.protocol == inspect::Protocol::quic ? write_quic(to, metadata)
                                                      : write_tls(to, metadata);
    to = write_dns(to, metadata);
    to = write_ssh(to, metadata);
    to = write_greeting(to, metadata);
    return write_smb(to, metadata);
}

}  // namespace tapmeter::exporting
