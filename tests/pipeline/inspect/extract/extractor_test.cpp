#include "pipeline/inspect/extract/extractor.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "pipeline/inspect/extract/first_pass.h"
#include "tests/support/messages.h"

namespace tapmeter::inspect::extract {
namespace {

using testing::client_hello;
using testing::Conversation;
using testing::dns_query;
using testing::example_fields;
using testing::handshake_message;
using testing::Octets;
using testing::records_of;

Octets hello() {
    return records_of(handshake_message(1, client_hello(example_fields())));
}

TEST(Metadata, keeps_strings_within_limits_and_says_what_was_cut) {
    Metadata metadata;
    const Text whole = metadata.keep("abc", 3);
    EXPECT_EQ(metadata.view(whole), "abc");
    EXPECT_FALSE(whole.cut());
    const Text cut = metadata.keep("abcd", 3);
    EXPECT_EQ(metadata.view(cut), "abc");
    EXPECT_TRUE(cut.cut());
    EXPECT_EQ(metadata.stored_octets(), sizeof(Metadata) - Metadata::text_octets + 6);
    const std::string rest(Metadata::text_octets - 6, 'x');
    EXPECT_FALSE(metadata.keep(rest, 1'000).cut());
    EXPECT_FALSE(metadata.text_full);
    EXPECT_TRUE(metadata.keep("y", 1).cut());
    EXPECT_TRUE(metadata.text_full);
}

TEST(Buffers, are_found_by_name) {
    EXPECT_EQ(buffer_named("http.uri"), Buffer::http_uri);
    EXPECT_EQ(buffer_named("tls.sni"), Buffer::tls_sni);
    EXPECT_EQ(buffer_named("no.such"), std::nullopt);
    for (std::size_t i = 0; i < buffers; ++i) {
        EXPECT_EQ(buffer_named(buffer_names.at(i)), static_cast<Buffer>(i));
    }
}

TEST(FirstPass, is_certain_of_shapes_and_of_nothing_else) {
    const Ports any{.source = 40'000, .destination = 40'001};
    const auto stream = [&](const Octets& octets) {
        return recognise_stream(octets.view(), any).protocol;
    };
    EXPECT_EQ(stream(hello()), Protocol::tls);
    EXPECT_EQ(stream(Octets{"SSH-2.0-x"}), Protocol::ssh);
    EXPECT_EQ(stream(Octets{"GET / HTTP/1.1\r\n"}), Protocol::http);
    EXPECT_EQ(stream(Octets{"HTTP/1.1 200"}), Protocol::http);
    EXPECT_EQ(stream(Octets{}.put32(40).put("\xffSMB")), Protocol::smb);
    EXPECT_EQ(stream(Octets{"\x16\x03\x01 no hello"}), Protocol::unknown);
    EXPECT_EQ(stream(Octets{"random octets"}), Protocol::unknown);
    EXPECT_TRUE(recognise_stream(Octets{"SS"}.view(), any).wants_more());
    EXPECT_TRUE(recognise_stream(Octets{"\x16\x03"}.view(), any).wants_more());
    EXPECT_FALSE(recognise_stream(Octets{"\x16\x04"}.view(), any).wants_more());

    const auto datagram = [&](const Octets& octets) {
        return recognise_datagram(octets.view(), any).protocol;
    };
    EXPECT_EQ(datagram(dns_query(1, "example.com", 1)), Protocol::dns);
    EXPECT_EQ(datagram(Octets{}.put8(22).put16(0xfefd).zeros(8).put16(2).zeros(2)), Protocol::dtls);
    EXPECT_EQ(datagram(Octets{}.put8(0xc3).put32(1).vector8(Octets{"12345678"}).put8(0)),
              Protocol::quic);
    EXPECT_EQ(datagram(Octets{}.put8(0xc3).put32(77).vector8(Octets{"12345678"}).put8(0)),
              Protocol::unknown);
    EXPECT_EQ(recognise_datagram(Octets{"M-SEARCH * HTTP/1.1\r\n\r\n"}.view(),
                                 {.source = 1, .destination = 1'900})
                  .protocol,
              Protocol::http);
}

TEST(Extractor, an_unknown_stream_is_counted_and_still_makes_stream_parts) {
    Conversation conversation;
    const Octets octets{"nobody knows this"};
    EXPECT_TRUE(conversation.send(0, octets));
    EXPECT_EQ(conversation.count(ReadEvent::stream_unknown), 1U);
    ASSERT_EQ(conversation.extractor().stream_parts().size(), 1U);
    EXPECT_EQ(text_of(conversation.extractor().stream_parts()[0].octets), "nobody knows this");
    for (int i = 0; i < 40; ++i) {
        conversation.send(0, Octets{"x"});
    }
    EXPECT_FALSE(conversation.send(1, Octets{"x"}));
    EXPECT_EQ(conversation.extractor().metadata_of(conversation.flow()), nullptr);
}

TEST(Extractor, an_unknown_datagram_flow_is_left_alone_after_four) {
    Conversation conversation;
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(conversation.datagram(0, Octets{"nobody"}));
    }
    EXPECT_FALSE(conversation.datagram(0, Octets{"nobody"}));
    EXPECT_EQ(conversation.count(ReadEvent::datagram_unknown), 4U);
}

TEST(Extractor, without_a_slot_facts_are_shown_but_not_kept) {
    Conversation conversation{{}, {.streams = {.windows_max = 1}, .metadata_max = 1}};
    conversation.send(0, hello());
    FlowReading second;
    const Octets octets = hello();
    PacketIn packet{.protocol = 6};
    packet.segment.payload = octets.view();
    conversation.extractor().feed(second, packet);
    EXPECT_EQ(testing::shown(conversation.extractor(), Buffer::tls_sni), "example.com");
    EXPECT_EQ(conversation.extractor().metadata_of(second), nullptr);
    EXPECT_EQ(conversation.count(ReadEvent::no_metadata_slot), 1U);
    conversation.close();
    EXPECT_EQ(conversation.extractor().metadata_taken(), 0U);
    conversation.extractor().close(second);
    conversation.extractor().feed(second, packet);
    EXPECT_NE(conversation.extractor().metadata_of(second), nullptr);
}

TEST(Extractor, a_syn_with_another_number_begins_a_new_connection) {
    Conversation conversation;
    conversation.send(0, hello());
    PacketIn syn{.protocol = 6};
    syn.segment = {.sequence = 77, .control_bits = tcp::syn};
    conversation.extractor().feed(conversation.flow(), syn);
    EXPECT_EQ(conversation.flow().protocol, Protocol::unknown);
    EXPECT_FALSE(conversation.flow().done[0]);
    EXPECT_TRUE(conversation.metadata().tls.has_client_hello) << "the flow is still the same";
}

TEST(Extractor, a_dissector_may_say_what_it_is) {
    Conversation conversation;
    conversation.send(0, Octets{"x"});
    conversation.extractor().set_protocol(conversation.flow(), Protocol::http);
    conversation.send(0, Octets{"GET / HTTP/1.1\r\n\r\n"});
    EXPECT_EQ(conversation.shown(Buffer::http_uri), "/");
}

TEST(Extractor, a_message_broken_by_a_gap_is_counted) {
    Conversation conversation;
    const Octets octets = hello();
    conversation.send(0, Octets{text_of(octets.view().first(100))});
    conversation.skip(0, 5);
    conversation.send(0, Octets{"more"});
    conversation.finish();
    EXPECT_EQ(conversation.count(ReadEvent::broken_by_gap), 1U);
    EXPECT_EQ(conversation.extractor().streams().windows_taken(), 0U);
}

TEST(Extractor, refuses_limits_out_of_range) {
    const auto made = Extractor::reserve({.metadata_max = 0});
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().message, "inspect: metadata_max = 0: must be 1 to 16,777,216");
}

TEST(Findings, are_bounded_and_count_what_they_leave_out) {
    auto findings = std::make_unique<Findings>();
    for (std::size_t i = 0; i <= Findings::found_max; ++i) {
        findings->add({});
    }
    EXPECT_EQ(findings->view().size(), Findings::found_max);
    EXPECT_EQ(findings->left_out(), 1U);
    const std::string text(Findings::scratch_octets, 'x');
    EXPECT_EQ(findings->keep_copy(octets_of(text)).size(), Findings::scratch_octets);
    EXPECT_EQ(findings->keep_copy(octets_of("y")).size(), 0U);
}

}  // namespace
}  // namespace tapmeter::inspect::extract
