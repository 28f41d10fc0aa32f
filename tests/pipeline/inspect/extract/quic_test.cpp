#include "pipeline/inspect/extract/quic.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "pipeline/inspect/extract/quic_keys.h"
#include "pipeline/inspect/extract/quic_parameters.h"
#include "tests/support/messages.h"
#include "tests/support/quic_sealing.h"

namespace tapmeter::inspect::extract {
namespace {

using testing::client_hello;
using testing::connection_id;
using testing::Conversation;
using testing::example_fields;
using testing::handshake_message;
using testing::initial;
using testing::Octets;

constexpr Ports quic_ports{.source = 50'000, .destination = 443};

template <std::size_t octets>
std::string hex(const std::array<std::uint8_t, octets>& value) {
    std::string text(octets * 2, '\0');
    for (std::size_t i = 0; i < octets; ++i) {
        text[2 * i] = "0123456789abcdef"[value[i] >> 4U];
        text[2 * i + 1] = "0123456789abcdef"[value[i] & 0xfU];
    }
    return text;
}

TEST(QuicKeys, are_those_of_rfc_9001_appendix_a_and_rfc_9369_appendix_a) {
    const auto v1 = *quic_version_of(quic_v1);
    const QuicKeys client = initial_keys(v1, connection_id().view(), true);
    EXPECT_EQ(hex(client.key), "1f369613dd76d5467730efcbe3b1a22d");
    EXPECT_EQ(hex(client.iv), "fa044b2f42a3fd3b46fb255c");
    EXPECT_EQ(hex(client.header), "9f50449e04a0e810283a1e9933adedd2");
    const QuicKeys server = initial_keys(v1, connection_id().view(), false);
    EXPECT_EQ(hex(server.key), "cf3a5331653c364c88f0f379b6067e37");
    EXPECT_EQ(hex(server.iv), "0ac1493ca1905853b0bba03e");
    EXPECT_EQ(hex(server.header), "c206b8d9b9f0f37644430b490eeaa314");
    const QuicKeys second = initial_keys(*quic_version_of(quic_v2), connection_id().view(), true);
    EXPECT_EQ(hex(second.key), "8b1a0bc121284290a29e0971b5cd045d");
    EXPECT_EQ(hex(second.iv), "91f73e2351d8fa91660e909f");
    EXPECT_EQ(hex(second.header), "45b95e15235d6f45a6b19cbcb0294ba9");
}

TEST(QuicKeys, versions_that_are_read) {
    for (const std::uint32_t version :
         {quic_v1, quic_v2, 0xff00001dU, 0xff00001bU, 0xfaceb002U, 0x51303530U, 0x54303531U}) {
        EXPECT_TRUE(quic_version_of(version).has_value()) << version;
    }
    for (const std::uint32_t version : {0U, 2U, 0xff000015U, 0xff000023U}) {
        EXPECT_FALSE(quic_version_of(version).has_value()) << version;
    }
}

Octets crypto(const Octets& message, std::size_t begin, std::size_t end) {
    return Octets{}
        .put8(6)
        .put16(0x4000U | static_cast<unsigned>(begin))
        .put16(0x4000U | static_cast<unsigned>(end - begin))
        .put(Octets{text_of(message.view().subspan(begin, end - begin))});
}

Octets whole_hello() {
    return handshake_message(1, client_hello(example_fields()));
}

TEST(Quic, a_hello_is_found_under_every_version) {
    const Octets hello = whole_hello();
    for (const std::uint32_t version : {quic_v1, quic_v2, 0xff00001dU, 0xff00001bU, 0xfaceb001U}) {
        Conversation conversation{quic_ports};
        conversation.datagram(0, initial(crypto(hello, 0, hello.size()), {.version = version}));
        EXPECT_EQ(conversation.shown(Buffer::tls_sni), "example.com") << version;
        EXPECT_EQ(conversation.shown(Buffer::ja4_hash), "q13d1516h2_8daaf6152771_e5627efa2ab1");
        EXPECT_EQ(conversation.metadata().quic.version, version);
        EXPECT_TRUE(conversation.flow().done[0]);
    }
}

TEST(Quic, frames_may_come_in_any_order_in_packets_and_datagrams) {
    const Octets hello = whole_hello();
    Octets frames = crypto(hello, 100, 150);
    frames.put8(1).zeros(20).put(crypto(hello, 0, 60)).put8(2).zeros(4);
    Octets datagram = initial(frames, {.number = 0});
    datagram.put(initial(crypto(hello, 150, hello.size()), {.number = 1}));
    Conversation conversation{quic_ports};
    conversation.datagram(0, datagram.zeros(40));
    EXPECT_EQ(conversation.shown(Buffer::tls_sni), "");
    conversation.datagram(0, initial(crypto(hello, 60, 100), {.number = 300}));
    EXPECT_EQ(conversation.shown(Buffer::tls_sni), "example.com");
    EXPECT_EQ(conversation.extractor().streams().windows_taken(), 0U);
}

TEST(Quic, the_servers_hello_is_opened_with_its_own_keys) {
    const Octets hello = whole_hello();
    const Octets answer = handshake_message(
        2, Octets{}.put16(0x0303).zeros(32).vector8({}).put16(0x1301).put8(0).vector16(
               Octets{}.put16(0x002b).vector16(Octets{}.put16(0x0304))));
    Conversation conversation{quic_ports};
    conversation.datagram(0, initial(crypto(hello, 0, hello.size()), {}));
    conversation.datagram(1, initial(crypto(answer, 0, answer.size()), {.from_client = false}));
    EXPECT_EQ(conversation.metadata().tls.version, 0x0304);
    EXPECT_EQ(conversation.metadata().tls.cipher_suite, 0x1301);
    EXPECT_FALSE(conversation.datagram(1, Octets{"anything"}));
}

TEST(Quic, a_changed_octet_anywhere_is_noticed) {
    const Octets hello = whole_hello();
    const Octets datagram = initial(crypto(hello, 0, hello.size()), {});
    for (std::size_t at = 0; at < datagram.size(); ++at) {
        Octets changed = datagram;
        changed.change()[at] ^= std::byte{0x20};
        Conversation conversation{quic_ports};
        conversation.datagram(0, changed);
        EXPECT_EQ(conversation.shown(Buffer::tls_sni), "") << at;
    }
}

TEST(Quic, a_bound_is_set_to_packets_that_are_opened) {
    Octets broken = initial(Octets{}.zeros(40), {});
    broken.change().back() ^= std::byte{1};
    Conversation conversation{quic_ports};
    for (unsigned i = 0; i < quic_initials_max; ++i) {
        EXPECT_TRUE(conversation.datagram(0, broken));
    }
    EXPECT_EQ(conversation.count(ReadEvent::quic_not_decrypted), quic_initials_max);
    EXPECT_FALSE(conversation.datagram(0, broken));
    EXPECT_EQ(conversation.count(ReadEvent::quic_budget_spent), 1U);
}

TEST(Quic, bad_frames_are_counted) {
    Conversation conversation{quic_ports};
    conversation.datagram(0, initial(Octets{}.put8(0x3f).zeros(40), {}));
    EXPECT_EQ(conversation.count(ReadEvent::quic_bad_frame), 1U);
}

TEST(Quic, googles_own_hello_is_read_too) {
    Octets hello{"CHLO"};
    hello.put8(2).put8(0).put16(0);
    hello.put(std::string_view{"SNI\0", 4}).put8(11).zeros(3);
    hello.put("UAID").put8(17).zeros(3);
    hello.put("example.comChrome");
    Conversation conversation{quic_ports};
    conversation.datagram(
        0,
        Octets{}.put8(0x0d).zeros(8).put("Q043").put8(1).zeros(12).put8(0xa0).zeros(3).put(hello));
    EXPECT_EQ(conversation.kept(conversation.metadata().tls.sni), "example.com");
    EXPECT_EQ(conversation.kept(conversation.metadata().quic.user_agent), "Chrome");
    EXPECT_EQ(conversation.metadata().quic.version, 0x51303433U);
}

TEST(QuicParameters, tell_the_user_agent) {
    Octets parameters =
        Octets{}.put8(1).vector8(Octets{"x"}).put16(0x7129).vector8(Octets{"Chrome"});
    auto findings = std::make_unique<Findings>();
    Metadata metadata;
    ReadCounters counters;
    const Options options;
    Context context{metadata, *findings, counters, options};
    read_quic_parameters(parameters.view(), context);
    EXPECT_EQ(metadata.view(metadata.quic.user_agent), "Chrome");
}

}  // namespace
}  // namespace tapmeter::inspect::extract
