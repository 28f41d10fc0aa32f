#include "src/exporting/eve_metadata.h"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace tapmeter::exporting {
namespace {

using inspect::Metadata;
using inspect::Protocol;
using nlohmann::json;
namespace text_max = inspect::text_max;

json written(const Metadata& metadata) {
    std::string text(metadata_octets_max, '\0');
    const char* const end = write_metadata(text.data(), metadata);
    const auto octets = static_cast<std::size_t>(end - text.data());
    EXPECT_LE(octets, metadata_octets_max);
    text.resize(octets);
    return octets == 0 ? json::object() : json::parse("{" + text.substr(1) + "}");
}

TEST(EveMetadata, of_nothing_is_nothing) {
    EXPECT_EQ(written({}), json::object());
}

TEST(EveMetadata, http_has_Suricatas_names) {
    Metadata found;
    found.http.host = found.keep(std::string_view{"www.example.org"}, text_max::name);
    found.http.uri = found.keep(std::string_view{"/a?b=\"c\""}, text_max::uri);
    found.http.method = found.keep(std::string_view{"GET"}, text_max::method);
    found.http.version = 0x11;
    found.http.status = 404;
    const json record = written(found);
    EXPECT_EQ(record, (json{{"http",
                             {{"hostname", "www.example.org"},
                              {"url", "/a?b=\"c\""},
                              {"http_method", "GET"},
                              {"protocol", "HTTP/1.1"},
                              {"status", 404}}}}));
}

TEST(EveMetadata, tls_has_its_certificate_and_fingerprints) {
    Metadata found;
    found.protocol = Protocol::tls;
    found.tls.sni = found.keep(std::string_view{"www.example.org"}, text_max::name);
    found.tls.subject =
        found.keep(std::string_view{"CN=example.org"}, text_max::distinguished_name);
    found.tls.serial = found.keep(std::string_view{"\x0a\xbc", 2}, text_max::serial);
    found.tls.version = 0x0303;
    found.tls.has_client_hello = true;
    found.tls.ja3[15] = 0xfe;
    found.tls.has_certificate = true;
    found.tls.sha1[0] = 0xab;
    found.tls.not_after = 1'700'000'000;
    const json tls = written(found)["tls"];
    EXPECT_EQ(tls["sni"], "www.example.org");
    EXPECT_EQ(tls["subject"], "CN=example.org");
    EXPECT_EQ(tls["serial"], "0a:bc");
    EXPECT_EQ(tls["version"], "TLS 1.2");
    EXPECT_EQ(tls["ja3"]["hash"], "000000000000000000000000000000fe");
    EXPECT_EQ(tls["fingerprint"].get<std::string>().substr(0, 8), "ab:00:00");
    EXPECT_EQ(tls["notbefore"], "1970-01-01T00:00:00");
    EXPECT_EQ(tls["notafter"], "2023-11-14T22:13:20");
    EXPECT_FALSE(tls.contains("ja3s"));
}

TEST(EveMetadata, servers_that_greet_and_agree_on_a_dialect) {
    Metadata mail;
    mail.protocol = Protocol::smtp;
    mail.greeting = mail.keep(std::string_view{"220 mail.example.org"}, text_max::greeting);
    EXPECT_EQ(written(mail), (json{{"smtp", {{"greeting", "220 mail.example.org"}}}}));
    mail.protocol = Protocol::ftp;
    EXPECT_EQ(written(mail), (json{{"ftp", {{"greeting", "220 mail.example.org"}}}}));
    Metadata files;
    files.smb_dialect = 0x0311;
    EXPECT_EQ(written(files), (json{{"smb", {{"dialect", "3.11"}}}}));
    files.smb_dialect = 1;
    EXPECT_EQ(written(files), (json{{"smb", {{"dialect", "NT LM 0.12"}}}}));
}

TEST(EveMetadata, signatures_by_their_numbers) {
    std::string text(256, '\0');
    EXPECT_EQ(write_signatures(text.data(), {}), text.data());
    const inspect::SignatureHits hits{.sids = {7, 4'294'967'295}, .matches = 3, .sids_count = 2};
    text.resize(static_cast<std::size_t>(write_signatures(text.data(), hits) - text.data()));
    EXPECT_EQ(text, ",\"signatures\":{\"matches\":3,\"sids\":[7,4294967295]}");
}

TEST(EveMetadata, the_handshake_in_quic_is_quic) {
    Metadata found;
    found.protocol = Protocol::quic;
    found.quic.version = 1;
    found.tls.sni = found.keep(std::string_view{"q.example.org"}, text_max::name);
    const json record = written(found);
    EXPECT_EQ(record["quic"]["version"], "0x00000001");
    EXPECT_EQ(record["quic"]["sni"], "q.example.org");
    EXPECT_FALSE(record.contains("tls"));
}

TEST(EveMetadata, dns_has_its_answers) {
    Metadata found;
    found.dns.queries = 1;
    found.dns.id = 7;
    found.dns.type = 28;
    found.dns.query = found.keep(std::string_view{"example.org"}, text_max::name);
    EXPECT_EQ(written(found)["dns"]["type"], "query");
    found.dns.has_response = true;
    found.dns.response_code = 3;
    found.dns.answers_kept = 3;
    found.dns.answers_told = 9;
    found.dns.answers[0] = {
        .time_to_live = 60, .data = found.keep(std::string_view{"\x7f\0\0\x01", 4}, 96), .type = 1};
    found.dns.answers[1] = {.time_to_live = 61,
                            .data = found.keep(std::string_view{"alias.example.org"}, 96),
                            .type = 5};
    found.dns.answers[2] = {
        .time_to_live = 62, .data = found.keep(std::string_view{"\x01\x02", 2}, 96), .type = 999};
    const json dns = written(found)["dns"];
    EXPECT_EQ(dns["type"], "answer");
    EXPECT_EQ(dns["rrtype"], "AAAA");
    EXPECT_EQ(dns["rcode"], "NXDOMAIN");
    EXPECT_EQ(dns["ancount"], 9);
    EXPECT_EQ(dns["answers"][0], (json{{"rrtype", "A"}, {"ttl", 60}, {"rdata", "127.0.0.1"}}));
    EXPECT_EQ(dns["answers"][1]["rdata"], "alias.example.org");
    EXPECT_EQ(dns["answers"][2]["rrtype"], "999");
}

TEST(EveMetadata, ssh_has_both_sides) {
    Metadata found;
    found.ssh.server_software = found.keep(std::string_view{"OpenSSH_9.2p1"}, text_max::banner);
    const json ssh = written(found)["ssh"];
    EXPECT_EQ(ssh["server"]["software_version"], "OpenSSH_9.2p1");
    EXPECT_FALSE(ssh.contains("client"));
}

// The worst that a sender can put there: every octet to be escaped, everything set.
TEST(EveMetadata, is_JSON_and_inside_of_its_limit_whatever_was_on_the_wire) {
    for (unsigned octet = 0; octet < 256; ++octet) {
        const std::string all(1'000, static_cast<char>(octet));
        for (const Protocol protocol : {Protocol::tls, Protocol::quic}) {
            const auto found = std::make_unique<Metadata>();
            found->protocol = protocol;
            const auto some = [&](std::size_t most) { return found->keep(all, most); };
            found->http = {.method = some(8),
                           .uri = some(40),
                           .host = some(40),
                           .user_agent = some(40),
                           .referer = some(20),
                           .content_type = some(20),
                           .server = some(20),
                           .status = 999,
                           .version = 0x11};
            found->tls.sni = some(40);
            found->tls.alpn = found->tls.alpn_offered = found->tls.ja4 = some(20);
            found->tls.subject = found->tls.issuer = some(20);
            found->tls.serial = some(20);
            found->tls.has_client_hello = found->tls.has_server_hello = true;
            found->tls.has_certificate = true;
            found->tls.version = 0xffff;
            found->tls.not_before = 0;
            found->tls.not_after = 4'294'967'295;
            found->quic = {.version = 0xffff'ffff, .user_agent = some(20)};
            found->dns.queries = 1;
            found->dns.has_response = found->dns.has_response_time = true;
            found->dns.answers_kept = inspect::dns_answers_max;
            for (auto& answer : found->dns.answers) {
                answer = {.time_to_live = 0xffff'ffff, .data = some(16), .type = 0xffff};
            }
            found->ssh = {some(4), some(4), some(4), some(4)};
            const json record = written(*found);
            EXPECT_TRUE(record.contains("http") && record.contains("dns") &&
                        record.contains("ssh"));
        }
    }
}

}  // namespace
}  // namespace tapmeter::exporting
