#include "pipeline/inspect/extract/tls.h"

#include <gtest/gtest.h>

#include <string>

#include "pipeline/inspect/extract/certificate.h"
#include "pipeline/inspect/extract/client_hello.h"
#include "pipeline/inspect/extract/fingerprint.h"
#include "pipeline/inspect/extract/handshake.h"
#include "tests/support/messages.h"

namespace tapmeter::inspect::extract {
namespace {

using testing::client_hello;
using testing::Conversation;
using testing::example_fields;
using testing::handshake_message;
using testing::HelloFields;
using testing::Octets;
using testing::records_of;

std::string ja4(const HelloFields& fields, char transport = 't') {
    const Octets body = client_hello(fields);
    Hello hello;
    read_client_hello(body.view(), hello);
    const auto text = ja4_of(hello, transport);
    return {text.data(), text.size()};
}

TEST(Ja4, is_that_of_the_specification_and_of_others_who_print_both_lists_and_hashes) {
    EXPECT_EQ(ja4(example_fields()), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    HelloFields later = example_fields();
    later.extensions = {0x002d, 0x0033, 0x0010, 0xfe0d, 0x0017, 0x44cd, 0x0000, 0x000b,
                        0x000a, 0x002b, 0xff01, 0x0023, 0x0012, 0x0005, 0x000d, 0x001b};
    EXPECT_EQ(ja4(later), "t13d1516h2_8daaf6152771_d8a2da3f94cd");
    const HelloFields node{
        .ciphers = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x00ff},
        .extensions = {0x0000, 0x0005, 0x000a, 0x000b, 0x000d, 0x0017, 0x0023, 0x0010, 0x002b,
                       0x002d, 0x0033},
        .signatures = {0x0503, 0x0403, 0x0807, 0x0806, 0x0805, 0x0804, 0x0601, 0x0501, 0x0401}};
    EXPECT_EQ(ja4(node), "t13d1011h2_61a7ad8aa9b6_3fcd1a44f3e3");
}

TEST(Ja4, shows_absence_as_the_specification_says) {
    EXPECT_EQ(ja4({.ciphers = {}, .extensions = {}, .signatures = {}, .version = 0x0302}, 'q'),
              "q11i000000_000000000000_000000000000");
    EXPECT_EQ(ja4({.ciphers = {}, .extensions = {0x0010}, .signatures = {}, .version = 0x0300}),
              "ts3i0001h2_000000000000_000000000000");
    EXPECT_EQ(
        ja4({.ciphers = {}, .extensions = {0x002b}, .signatures = {}, .versions = {0x7a7a, 0x0303}})
            .substr(0, 10),
        "t12i000100");
}

TEST(Ja4, takes_the_ends_of_the_first_alpn_value) {
    const auto of_alpn = [](const std::string& alpn) {
        return ja4({.ciphers = {}, .extensions = {0x0010}, .signatures = {}, .alpn = alpn})
            .substr(8, 2);
    };
    EXPECT_EQ(of_alpn("http/1.1"), "h1");
    EXPECT_EQ(of_alpn("x"), "xx");
    EXPECT_EQ(of_alpn("\xab"), "ab");
    EXPECT_EQ(of_alpn("\xab\xcd"), "ad");
    EXPECT_EQ(of_alpn("\x30\xab"), "3b");
    EXPECT_EQ(of_alpn("\x30\x31\xab\xcd"), "3d");
    EXPECT_EQ(of_alpn("\x30\xab\xcd\x31"), "01");
    EXPECT_EQ(of_alpn(""), "00");
}

TEST(Ja3, has_every_list_in_its_order_without_grease) {
    const Octets body = client_hello(example_fields());
    Hello hello;
    read_client_hello(body.view(), hello);
    std::array<char, ja3_octets_max> text{};
    const std::string ja3{text.data(), write_ja3(hello, text)};
    EXPECT_EQ(ja3,
              "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,"
              "27-0-51-16-17513-23-45-13-5-35-18-43-65281-11-10-21,29-23,0");
}

TEST(ClientHello, every_prefix_is_read_as_far_as_it_goes) {
    const Octets body = client_hello(example_fields());
    constexpr std::size_t without_extensions = 71;
    for (std::size_t octets = 0; octets <= body.size(); ++octets) {
        const Octets prefix{text_of(body.view().first(octets))};
        Hello hello;
        read_client_hello(prefix.view(), hello);
        // One may end behind its compression methods: then it has no extensions.
        EXPECT_EQ(hello.is_cut, octets != body.size() && octets != without_extensions) << octets;
    }
}

TEST(ClientHello, too_many_numbers_are_named) {
    for (const std::size_t count : {cipher_suites_max, cipher_suites_max + 1}) {
        const Octets body = Octets{}
                                .put16(0x0303)
                                .zeros(32)
                                .vector8({})
                                .vector16(Octets{}.zeros(count * 2))
                                .vector8({});
        Hello hello;
        read_client_hello(body.view(), hello);
        EXPECT_EQ(hello.too_many, count > cipher_suites_max);
    }
    for (const std::size_t count : {extensions_max, extensions_max + 1}) {
        const Octets body =
            Octets{}.put16(0x0303).zeros(32).vector8({}).vector16({}).vector8({}).vector16(
                Octets{}.zeros(count * 4));
        Hello hello;
        read_client_hello(body.view(), hello);
        EXPECT_EQ(hello.too_many, count > extensions_max);
    }
}

TEST(Tls, a_hello_is_found_in_segments_and_records_of_any_size) {
    const Octets message = handshake_message(1, client_hello(example_fields()));
    for (const std::size_t record : {1U, 3U, 100U, 16'384U}) {
        for (const std::size_t segment : {1U, 2U, 7U, 200U, 65'535U}) {
            Conversation conversation;
            conversation.send(0, records_of(message, record), segment);
            EXPECT_EQ(conversation.shown(Buffer::tls_sni), "example.com");
            EXPECT_EQ(conversation.shown(Buffer::ja4_hash), "t13d1516h2_8daaf6152771_e5627efa2ab1");
            EXPECT_EQ(conversation.kept(conversation.metadata().tls.alpn_offered), "h2,http/1.1");
            EXPECT_EQ(conversation.metadata().tls.client_version, 0x0304);
            EXPECT_EQ(conversation.extractor().streams().windows_taken(), 0U);
        }
    }
}

Octets element(unsigned tag, const Octets& content) {
    Octets made;
    made.put8(tag);
    if (content.size() < 0x80) {
        made.put8(static_cast<unsigned>(content.size()));
    } else {
        made.put8(0x82).put16(static_cast<unsigned>(content.size()));
    }
    return made.put(content);
}

Octets attribute(std::string_view identifier, unsigned tag, std::string_view value) {
    return element(0x31, element(0x30, Octets{element(0x06, Octets{identifier}).text() +
                                              element(tag, Octets{value}).text()}));
}

Octets certificate() {
    const Octets issuer = Octets{attribute("\x55\x04\x06", 0x13, "US").text() +
                                 attribute("\x55\x04\x0a", 0x0c, "Example").text()};
    const Octets subject = Octets{attribute("\x55\x04\x03", 0x1e, std::string{"\0a\0b", 4}).text() +
                                  attribute("\x55\x04\x61", 0x0c, "x").text()};
    Octets fields;
    fields.put(element(0xa0, element(0x02, Octets{}.put8(2))))
        .put(element(0x02, Octets::of_hex("000abc")))
        .put(element(0x30, {}))
        .put(element(0x30, issuer))
        .put(element(0x30, Octets{element(0x17, Octets{"191209193505Z"}).text() +
                                  element(0x18, Octets{"20210107194500Z"}).text()}))
        .put(element(0x30, subject));
    return element(0x30, element(0x30, fields));
}

Octets server_hello(unsigned version, unsigned supported) {
    Octets extensions;
    if (supported != 0) {
        extensions.put16(0x002b).vector16(Octets{}.put16(supported));
    }
    return Octets{}.put16(version).zeros(32).vector8({}).put16(0xc02f).put8(0).vector16(
        extensions.put16(0x0010).vector16(Octets{}.vector16(Octets{}.vector8(Octets{"h2"}))));
}

TEST(Tls, a_certificate_is_read_up_to_tls_1_2) {
    Octets messages = handshake_message(2, server_hello(0x0303, 0));
    messages.put(handshake_message(11, Octets{}.vector24(Octets{}.vector24(certificate()))));
    for (const std::size_t segment : {1U, 11U, 65'535U}) {
        Conversation conversation;
        conversation.send(1, records_of(messages, 60), segment);
        const auto& tls = conversation.metadata().tls;
        EXPECT_EQ(tls.version, 0x0303);
        EXPECT_EQ(tls.cipher_suite, 0xc02f);
        EXPECT_EQ(conversation.kept(tls.alpn), "h2");
        EXPECT_EQ(conversation.kept(tls.issuer), "C=US, O=Example");
        EXPECT_EQ(conversation.kept(tls.subject), "CN=ab, 2.5.4.97=x");
        EXPECT_EQ(conversation.shown(Buffer::tls_cert_serial), "0A:BC");
        EXPECT_EQ(conversation.shown(Buffer::tls_cert_fingerprint).size(), 59U);
        EXPECT_EQ(conversation.shown(Buffer::ja3s_string), "771,49199,16");
        EXPECT_EQ(tls.not_before, 1'575'920'105);
        EXPECT_EQ(tls.not_after, 1'610'048'700);
        EXPECT_TRUE(conversation.flow().done[1]);
    }
}

TEST(Tls, behind_a_tls_1_3_hello_nothing_is_read) {
    Conversation conversation;
    conversation.send(1, records_of(handshake_message(2, server_hello(0x0303, 0x0304))));
    EXPECT_EQ(conversation.metadata().tls.version, 0x0304);
    EXPECT_TRUE(conversation.flow().done[1]);
}

TEST(Tls, hostile_octets_end_in_a_counter) {
    Conversation conversation;
    conversation.send(0, records_of(handshake_message(1, client_hello(example_fields()))));
    conversation.send(0, Octets{"this is no record"});
    EXPECT_EQ(conversation.count(ReadEvent::tls_bad_record), 1U);
    EXPECT_TRUE(conversation.flow().done[0]);

    Conversation huge;
    huge.send(0, Octets{}.put8(22).put16(0x0301).put16(16'000).put8(1).put24(0x1'0000).zeros(64));
    EXPECT_EQ(huge.count(ReadEvent::tls_message_too_long), 1U);
}

TEST(Certificate, every_prefix_is_survived) {
    const Octets whole = certificate();
    for (std::size_t octets = 0; octets < whole.size(); ++octets) {
        const Octets prefix{text_of(whole.view().first(octets))};
        EXPECT_FALSE(read_certificate(prefix.view()).whole);
    }
    EXPECT_TRUE(read_certificate(whole.view()).whole);
}

TEST(Tls, a_conversation_may_turn_to_it_later) {
    Conversation conversation{{.source = 50'000, .destination = 25}};
    conversation.send(1, Octets{"220 mail.example.com ESMTP\r\n"});
    conversation.send(0, Octets{"EHLO x\r\n"});
    conversation.send(1, Octets{"250 STARTTLS\r\n"});
    conversation.send(0, Octets{"STARTTLS\r\n"});
    conversation.send(1, Octets{"220 go\r\n"});
    conversation.send(0, records_of(handshake_message(1, client_hello(example_fields()))));
    EXPECT_EQ(conversation.shown(Buffer::tls_sni), "example.com");
    EXPECT_EQ(conversation.metadata().protocol, Protocol::smtp);
    EXPECT_EQ(conversation.kept(conversation.metadata().greeting), "220 mail.example.com ESMTP");
}

}  // namespace
}  // namespace tapmeter::inspect::extract
